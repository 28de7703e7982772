import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker from a module beside the caller: `startWorker(import.meta.url, './train-worker')`. From compiled code
 * that is a `.js` file; from source (tests, `npm run dev`) a `.ts` file that Node 20 reads through tsx.
 */
export function startWorker(from: string, module: string, options: WorkerOptions = {}): Worker {
  if (from.endsWith('.js')) return new Worker(new URL(`${module}.js`, from), options);
  const source = new URL(`${module}.ts`, from).href;
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(bootstrap, { ...options, eval: true });
}
