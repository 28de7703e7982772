// Preloaded into the server (`--import`): tells the benchmark, over the channel to its parent, how late the main thread's
// event loop was. Nothing of the server knows of it.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 10;

if (isMainThread && process.send) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  // The histogram is of the times between two wake-ups, which are the resolution apart when nothing delays them.
  const beyond = (nanoseconds) => nanoseconds / 1e6 - RESOLUTION_MS;
  process.on('message', (message) => {
    if (message === 'reset') delays.reset();
    if (message === 'read') process.send({ p99: beyond(delays.percentile(99)), max: beyond(delays.max) });
  });
  process.channel.unref();
}
