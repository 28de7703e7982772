// Preloaded into the server (`--import`, with `--expose-gc`): tells the siege, over the channel to its parent, what memory is in
// use once garbage is collected. Nothing of the server knows of it.
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.send) {
  process.on('message', (message) => {
    if (message !== 'memory') return;
    globalThis.gc();
    globalThis.gc();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send({ rss, used: heapUsed + external });
  });
  process.channel.unref();
}
