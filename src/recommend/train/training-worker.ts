import { parentPort } from 'node:worker_threads';
import { Gemm } from '../../ml/gemm.ts';
import { trainItemModel } from './item-model/item-model.ts';
import { learnContent } from './learn-content.ts';
import { measure } from './quality/accuracy.ts';
import { measureOffline } from './quality/offline-quality.ts';
import { search } from './settings-search.ts';
import type { JobResults, TrainerMessage, TrainingJob } from './trainer-thread.ts';

const gemm = new Gemm();
const post = (message: TrainerMessage): void => parentPort?.postMessage(message);
parentPort?.on('message', (job: TrainingJob) => {
  try {
    post({ done: run(job) });
  } catch (error) {
    post({ failure: error as Error });
  }
});
post({ loaded: true });

function run(job: TrainingJob): JobResults[keyof JobResults] {
  switch (job.kind) {
    case 'search':
      return search(job.interactions, job.options, gemm, (progress) => post({ progress }));
    case 'train':
      return trainItemModel(job.interactions, job.settings, gemm);
    case 'measure':
      return measure(job.rows, job.cases, job.scoring);
    case 'lists':
      return measureOffline(job.rows, job.listeners, job.scoring, job.counts);
    case 'content':
      return learnContent(job.rows, job.described, job.listeners, gemm);
  }
}
