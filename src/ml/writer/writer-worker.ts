import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../lib/clock.ts';
import { type Decoder } from '../decoder/decoder.ts';
import { fingerprintOf } from '../decoder/fingerprint.ts';
import { openDecoder } from '../decoder/open-decoder.ts';
import { Sampler } from '../sampling/sampler.ts';
import { bytesOfToken } from '../text/tokenizer/token-bytes.ts';
import type { Report, ThreadOptions, WriterCommand } from './protocol.ts';
import { PrefixCache } from './scheduler/prefix-cache.ts';
import { Scheduler } from './scheduler/scheduler.ts';

/** The model's own thread. It opens the model and executes commands until it is told to end. */
async function main(port: MessagePort, options: ThreadOptions): Promise<void> {
  const post = (report: Report) => port.postMessage(report);
  try {
    const { model, threads, device, slots, capacity } = options;
    const decoder = await openDecoder({ model, threads, device, slots, capacity });
    serve(port, decoder, createScheduler(decoder, options, post));
    post({ type: 'ready', fingerprint: fingerprintOf(model, device) });
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    port.close();
  }
}

function createScheduler(decoder: Decoder, options: ThreadOptions, post: (report: Report) => void): Scheduler {
  const { tokenBytes, ends, exempt, prefixBytes, checked } = options;
  return new Scheduler({
    decoder,
    sampler: new Sampler(decoder.shape.vocabulary, exempt),
    vocabulary: { vocab: tokenBytes.ends.length, bytesOf: (id) => bytesOfToken(tokenBytes, id), ends },
    prefixes: new PrefixCache(prefixBytes),
    clock: systemClock,
    publish: (events, state) => post({ type: 'step', events, state }),
    checked,
  });
}

function serve(port: MessagePort, decoder: Decoder, scheduler: Scheduler): void {
  port.on('message', (command: WriterCommand) => {
    switch (command.type) {
      case 'write':
        scheduler.write(command.job);
        return;
      case 'cancel':
        scheduler.cancel(command.id);
        return;
      case 'taken':
        scheduler.taken();
        return;
      case 'close':
        void close(port, decoder, scheduler);
    }
  });
}

async function close(port: MessagePort, decoder: Decoder, scheduler: Scheduler): Promise<void> {
  await scheduler.close();
  await decoder[Symbol.asyncDispose]();
  port.close();
}

if (parentPort) await main(parentPort, workerData as ThreadOptions);
