import { readFile } from 'node:fs/promises';
import { connect } from '../../src/db/client.ts';
import { runImport } from '../../src/ingest/ingest.ts';

/** One import of the bench, in a process of its own: prints what it took as a line of JSON. */
const [url = '', path = ''] = process.argv.slice(2);
// One connection, so that the process of PostgreSQL that imports is the one that is asked for.
await using database = connect(url, { connections: 1 });
const [{ pid }] = await database.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
/** In a second, as proc(5) counts on every Linux that Node.js runs on. */
const CLOCK_TICKS = 100;
const started = performance.now();
const seconds = (): number => (performance.now() - started) / 1000;
const marks: { step: string; rows: number; at: number }[] = [];
let step = 'reading';
const mark = (rows: number): void => void marks.push({ step, rows, at: seconds() });
const { feedback } = await runImport(database, {
  format: 'feedback',
  paths: [path],
  onProgress: ({ rows }) => mark(rows),
  onStep: (text) => {
    step = text;
    mark(0);
  },
  onMerged: (rows) => {
    step = 'merging';
    mark(rows);
  },
});
/** Seconds of the processor that PostgreSQL's process has taken (Linux). */
async function backendSeconds(): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? [];
  const [user, system] = fields.slice(11, 13).map(Number);
  return ((user ?? NaN) + (system ?? NaN)) / CLOCK_TICKS;
}

const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6 + (await backendSeconds());
const figures = {
  ...feedback,
  seconds: seconds(),
  cpuSeconds,
  marks,
  peakRssMb: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(JSON.stringify(figures));
