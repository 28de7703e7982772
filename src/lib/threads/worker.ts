import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker from a module next to the caller, for example `startWorker(import.meta.url, './training-worker')`.
 * Compiled code loads the `.js` file; from source (tests, `npm run dev`) Node.js 20 loads the `.ts` file through tsx.
 */
export function startWorker(from: string, module: string, options: WorkerOptions = {}): Worker {
  if (from.endsWith('.js')) return new Worker(new URL(`${module}.js`, from), options);
  const source = new URL(`${module}.ts`, from).href;
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(bootstrap, { ...options, eval: true });
}
