import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../lib/threads/worker.ts';
import type { GenerationEvent, WriterState } from '../contract.ts';
import { setRuntimeEnvironment } from '../ort/environment.ts';
import type { Report, ThreadEvent, ThreadOptions, WriterCommand, WriterJob } from './protocol.ts';

export interface ThreadListener {
  onEvent: (id: number, event: GenerationEvent) => void;
  onState: (state: WriterState) => void;
  /** The thread ended without being told to. */
  onDeath: (reason: Error) => void;
}

/** A step leaves only a few kilobytes of garbage. V8's usual 48 MB for young objects would be wasted memory. */
const YOUNG_MB = 6;

/** The main thread's side of a model's thread. */
export class WriterThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  /** Of what it computes with. */
  readonly fingerprint: string;

  private constructor(worker: Worker, exited: Promise<unknown>, fingerprint: string) {
    this.#worker = worker;
    this.#exited = exited;
    this.fingerprint = fingerprint;
  }

  /** Starts a thread and opens the model in it. @throws Error with the reason if it does not open */
  static async open(options: ThreadOptions, listener: ThreadListener): Promise<WriterThread> {
    setRuntimeEnvironment();
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    const worker = startWorker(import.meta.url, './writer-worker', { workerData: options, resourceLimits });
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    // Errors are passed to whoever awaits the thread. One that nobody awaits must not end the process.
    worker.on('error', () => undefined);
    try {
      const thread = new WriterThread(worker, exited, await fingerprintOnceReady(worker));
      thread.#listen(listener);
      return thread;
    } catch (error) {
      // The thread holds memory until then.
      await exited;
      throw error;
    }
  }

  write(job: WriterJob): void {
    this.#send({ type: 'write', job });
  }

  cancel(id: number): void {
    this.#send({ type: 'cancel', id });
  }

  /** Aborts the current run, frees the model's memory and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.removeAllListeners('message');
    this.#send({ type: 'close' });
    await this.#exited;
  }

  #listen({ onEvent, onState, onDeath }: ThreadListener): void {
    this.#worker.on('message', (report: Report) => {
      if (report.type !== 'step') return;
      onState(report.state);
      for (const { id, event } of report.events) onEvent(id, this.#signed(event));
      this.#send({ type: 'taken' });
    });
    this.#worker.on('error', onDeath);
    this.#worker.once('exit', (code) => onDeath(new Error(`the model’s thread ended with code ${code}`)));
  }

  #signed(event: ThreadEvent): GenerationEvent {
    return event.type === 'started' ? { ...event, computedBy: this.fingerprint } : event;
  }

  #send(command: WriterCommand): void {
    this.#worker.postMessage(command);
  }
}

function fingerprintOnceReady(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the model’s thread ended with code ${code}`)));
    worker.once('message', (report: Report) => {
      if (report.type === 'ready') resolve(report.fingerprint);
      else
        reject(
          new Error(report.type === 'failed' ? report.message : 'the model’s thread reported before it was ready'),
        );
      worker.removeListener('error', reject);
    });
  });
}
