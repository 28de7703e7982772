import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { InvalidInputError } from '../lib/errors.ts';
import { evaluateWeights, type HoldoutCase } from '../recommend/recommender.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { print } from './display.ts';

const USAGE = `npm run evaluate -- --format sequences --data FILE [--protocol leave-one-out] [--json]

  Each listener's last item is the test and the one before it validation: neither is trained on. All items that the
  listener has not had, validation included, are ranked for the last; HR@10, NDCG@10, Recall@20 and NDCG@20 are printed.
  FILE has a line a listener: an id, then items in order; .gz is read as such.`;

async function run(args: string[]): Promise<number> {
  const options = {
    format: { type: 'string', default: 'sequences' },
    data: { type: 'string' },
    protocol: { type: 'string', default: 'leave-one-out' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (values.data === undefined) throw new UsageError('--data is missing');
  if (values.format !== 'sequences') throw new UsageError(`--format ${values.format} is not known; sequences is`);
  if (values.protocol !== 'leave-one-out')
    throw new UsageError(`--protocol ${values.protocol} is not known; leave-one-out is`);
  const result = await evaluate(values.data);
  if (!values.json) for (const [name, value] of Object.entries(result)) print(`${name.padEnd(14)}${value}`);
  return print(JSON.stringify(result));
}

async function evaluate(path: string): Promise<Record<string, number>> {
  const sequences = await readSequences(path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new InvalidInputError(`${path} cannot be read: ${error.message}`, 'data');
  });
  if (!sequences.some(isTestable))
    throw new InvalidInputError(`${path} has no listener with three items or more`, 'data');
  const start = performance.now();
  const metrics = await evaluateWeights(leaveOneOut(sequences));
  return {
    ...metrics,
    trainSeconds: Math.round((performance.now() - start) / 10) / 100,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
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

await runCommand({ usage: USAGE, run });
