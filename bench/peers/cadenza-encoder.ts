// Our encoder without server and socket.
import { json } from 'node:stream/consumers';
import type * as engines from '../../src/ml/engine.ts';
import { built } from './built.ts';

interface Work {
  threads: number;
  sentences: string[];
  dataDir: string;
}

const { threads, sentences, dataDir } = (await json(process.stdin)) as Work;
const { openEncoder } = (await built('ml/engine')) as typeof engines;
const log = { info: (line: string) => console.error(line), warn: (line: unknown) => console.error(line) };
const { signal } = new AbortController();
await using encoder = await openEncoder({
  ...{ dataDir, threads, log, signal, catalogueFile: null },
  network: { hubToken: null, proxies: null },
});
// Other texts, because those that were seen are remembered.
await encoder.encode(
  sentences.map((sentence) => `${sentence} Again.`),
  { signal },
);
const start = performance.now();
await encoder.encode(sentences, { signal });
const seconds = (performance.now() - start) / 1_000;
const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ sentencesPerSecond: { any: sentences.length / seconds }, peakRssMb }));
