import { parentPort, workerData } from 'node:worker_threads';
import { compileInto, type CompileTarget } from './compile-model.ts';
import { ModelFileError } from './model-file-error.ts';

export interface CompileTask {
  source: string;
  target: CompileTarget;
}

export type CompileMessage =
  | { type: 'progress'; share: number }
  | { type: 'done' }
  | { type: 'failed'; message: string; isModelFile: boolean; code: string | null };

const { source, target } = workerData as CompileTask;
const post = (message: CompileMessage) => parentPort?.postMessage(message);
try {
  await compileInto(source, target, (share) => post({ type: 'progress', share }));
  post({ type: 'done' });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  post({ type: 'failed', message, isModelFile: error instanceof ModelFileError, code });
}
