import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface FuzzOptions {
  seed: number;
  cases: number;
  /** Told of every finding as it is found. */
  onFinding?: (finding: string) => void;
}

export interface FuzzResult {
  /** How many cases ended how. */
  tally: Record<string, number>;
  /** Cases that crashed, hung, took too much memory or failed without a type. */
  findings: string[];
  peakMb: number;
}

const BATCH = 500;
/** No case works longer than this, on any machine. */
const HANG_MS = 60_000;
/** A process with ONNX Runtime and a tiny model has about 200 MB. */
const MOST_MB = 700;

/** Runs cases in processes of their own, since some of them may end theirs. */
export async function fuzz({ seed, cases, onFinding = () => undefined }: FuzzOptions): Promise<FuzzResult> {
  const result: FuzzResult = { tally: {}, findings: [], peakMb: 0 };
  const find = (finding: string) => {
    result.findings.push(finding);
    onFinding(finding);
  };
  for (let next = 0; next < cases;) next = await runBatch(seed, next, Math.min(cases, next + BATCH), result, find);
  return result;
}

interface Line {
  begun?: number;
  ended?: number;
  what: string;
  result: string;
  isTyped: boolean;
  peakMb: number;
}

/** @returns the case to go on with */
async function runBatch(seed: number, from: number, to: number, result: FuzzResult, find: (finding: string) => void) {
  const script = fileURLToPath(new URL('fuzz-batch.ts', import.meta.url));
  const args = ['--import', 'tsx', script, ...[seed, from, to].map(String)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  const watchdog = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
  let begun = from - 1;
  let ended = from - 1;
  for await (const text of createInterface({ input: child.stdout })) {
    watchdog.refresh();
    const line = JSON.parse(text) as Line;
    begun = line.begun ?? begun;
    if (line.ended === undefined) continue;
    ended = line.ended;
    const kind = line.isTyped ? line.result : 'untyped';
    result.tally[kind] = (result.tally[kind] ?? 0) + 1;
    result.peakMb = Math.max(result.peakMb, line.peakMb);
    if (!line.isTyped) find(`case ${ended}: ${line.what}: ${line.result}`);
    else if (line.peakMb > MOST_MB) {
      find(`case ${ended}: ${line.what}: ${Math.round(line.peakMb)} MB`);
      child.kill('SIGKILL');
    }
  }
  clearTimeout(watchdog);
  const how = await closed;
  if (ended === to - 1) return to;
  if (begun > ended) find(`case ${begun}: the process ended with ${how}, or hung`);
  else if (result.peakMb <= MOST_MB) throw new Error(`the fuzzing process ended with ${how} between cases`);
  return Math.max(begun, ended) + 1;
}
