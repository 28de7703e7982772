import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { evaluateWeights, type HoldoutCase } from '../recommend/recommender.ts';

const USAGE = `npm run evaluate -- --format sequences --data FILE [--protocol leave-one-out] [--json]

  Each listener's last item is the test and the one before it validation: neither is trained on. All items that the
  listener has not had, validation included, are ranked for the last; HR@10, NDCG@10, Recall@20 and NDCG@20 are printed.
  FILE has a line a listener: an id, then items in order; .gz is read as such.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      format: { type: 'string', default: 'sequences' },
      data: { type: 'string' },
      protocol: { type: 'string', default: 'leave-one-out' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE, 0);
  if (values.data === undefined) return say(`--data is missing.\n\n${USAGE}`, 2);
  if (values.format !== 'sequences') return say(`--format ${values.format} is not known; sequences is.`, 2);
  if (values.protocol !== 'leave-one-out')
    return say(`--protocol ${values.protocol} is not known; leave-one-out is.`, 2);
  const sequences = await readSequences(values.data).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return error.message;
  });
  if (typeof sequences === 'string') return say(`${values.data} cannot be read: ${sequences}`, 1);
  if (!sequences.some(isTestable)) return say(`${values.data} has no listener with three items or more.`, 1);
  const start = performance.now();
  const metrics = await evaluateWeights(leaveOneOut(sequences));
  const result = {
    ...metrics,
    trainSeconds: Math.round((performance.now() - start) / 10) / 100,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  if (!values.json) for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(14)}${value}`);
  console.log(JSON.stringify(result));
  return 0;
}

function say(text: string, code: number): number {
  (code === 0 ? console.log : console.error)(text);
  return code;
}

async function readSequences(path: string): Promise<string[][]> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  const sequences: string[][] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const [, ...items] = line.trim().split(/\s+/);
    if (items.length > 0) sequences.push(items);
  }
  return sequences;
}

/** A first item to train on, one for validation and one to test. */
function isTestable(items: readonly string[]): boolean {
  return new Set(items).size >= 3;
}

/**
 * The protocol of the sequential recommenders (Kang & McAuley 2018): trained without the last two items, then asked for
 * the last, knowing the one before it. There are no hyperparameters to choose, so validation only stays out of training.
 */
function leaveOneOut(sequences: readonly string[][]): { train: HoldoutCase['history'][]; cases: HoldoutCase[] } {
  const numbers = new Map<string, number>();
  const numberOf = (item: string): number => {
    const number = numbers.get(item) ?? numbers.size + 1;
    numbers.set(item, number);
    return number;
  };
  const histories = sequences.map((items) => ({
    history: [...new Set(items)].map((item) => ({ trackId: numberOf(item), strength: 1 })),
    isTested: isTestable(items),
  }));
  const cases = histories.flatMap(({ history, isTested }) =>
    isTested ? [{ history: history.slice(0, -1), targets: [history.at(-1)?.trackId ?? 0] }] : [],
  );
  return { train: histories.map(({ history, isTested }) => (isTested ? history.slice(0, -2) : history)), cases };
}
