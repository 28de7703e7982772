import { parentPort } from 'node:worker_threads';
import { Gemm } from '../ml/gemm.ts';
import { measure } from './evaluation.ts';
import { trainItemModel } from './item-model.ts';
import { search } from './search.ts';
import type { Job, JobResults } from './trainer.ts';

const gemm = new Gemm();
parentPort?.on('message', (job: Job) => {
  try {
    parentPort?.postMessage({ done: run(job) });
  } catch (error) {
    parentPort?.postMessage({ failure: error });
  }
});

function run(job: Job): JobResults[keyof JobResults] {
  switch (job.kind) {
    case 'search':
      return search(job.interactions, job.options, gemm, (progress) => parentPort?.postMessage({ progress }));
    case 'train':
      return trainItemModel(job.interactions, job.settings, gemm);
    case 'measure':
      return measure(job.rows, job.cases, { recency: job.recency });
  }
}
