import { parentPort, workerData } from 'node:worker_threads';
import { ModelFileError } from './checkpoint/model-file-error.ts';
import { compileInto, type CompileTask } from './compile-model.ts';

export type CompileMessage =
  | { type: 'progress'; share: number }
  | { type: 'done' }
  | { type: 'failed'; message: string; isModelFile: boolean; code: string | null };

const post = (message: CompileMessage) => parentPort?.postMessage(message);
try {
  await compileInto(workerData as CompileTask, (share) => post({ type: 'progress', share }));
  post({ type: 'done' });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  post({ type: 'failed', message, isModelFile: error instanceof ModelFileError, code });
}
