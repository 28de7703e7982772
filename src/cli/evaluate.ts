import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { InvalidInputError } from '../lib/errors.ts';
import { evaluateModel, type History, type HoldoutCase } from '../recommend/recommender.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { openDisplay, print } from './display.ts';

const USAGE = `npm run evaluate -- --format sequences --protocol PROTOCOL … [--json]

  Chooses the model's settings on tracks held out of what may be trained on, trains, and prints HR@10, NDCG@10, Recall@20
  and NDCG@20 over all items that the listener has not had. The last line is JSON. Files ending in .gz are read as such.

  leave-one-out  --data FILE: a line a listener, an id and items in order. The last item is the test and the one before it
                 validation: neither is trained on. The default.
  split          --train FILE --test FILE: a line a listener, an id and items, whose order says nothing.
  next           --history FILE --target FILE: aligned lines, the items of a history in order and its next item.`;

const PROTOCOLS = {
  'leave-one-out': { files: ['data'], read: leaveOneOut, ordered: true },
  split: { files: ['train', 'test'], read: split, ordered: false },
  next: { files: ['history', 'target'], read: next, ordered: true },
} as const;

async function run(args: string[]): Promise<number> {
  const options = {
    format: { type: 'string', default: 'sequences' },
    protocol: { type: 'string', default: 'leave-one-out' },
    data: { type: 'string' },
    train: { type: 'string' },
    test: { type: 'string' },
    history: { type: 'string' },
    target: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  const protocol = Object.entries(PROTOCOLS).find(([name]) => name === values.protocol)?.[1];
  if (!protocol) throw new UsageError(`--protocol ${values.protocol} is not known; ${names(PROTOCOLS)} are`);
  const missing = protocol.files.find((name) => values[name] === undefined);
  if (missing !== undefined) throw new UsageError(`--${missing} is missing`);
  if (values.format !== 'sequences') throw new UsageError(`--format ${values.format} is not known; sequences is`);
  const paths = protocol.files.map((name) => values[name] ?? '');
  const result = await evaluate(await protocol.read(...(paths as [string, string])), protocol.ordered, values.json);
  if (!values.json) for (const [name, value] of Object.entries(result)) print(`${name.padEnd(14)}${value}`);
  return print(JSON.stringify(result));
}

const names = (record: object): string => Object.keys(record).join(', ');

/** `known` may be chosen by; `train` is what the measured model learns from. */
interface Data {
  known: History[];
  train: History[];
  cases: HoldoutCase[];
}

async function evaluate(data: Data, ordered: boolean, isQuiet: boolean): Promise<Record<string, number>> {
  const start = performance.now();
  using display = isQuiet ? null : openDisplay();
  const { metrics, chosen } = await evaluateModel(data, ordered, { report: display?.progress });
  display?.step(`chosen on ${chosen.cases} held-out cases: ${JSON.stringify(chosen.settings)}`);
  return {
    ...metrics,
    trainSeconds: Math.round((performance.now() - start) / 10) / 100,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** The protocol of the sequential recommenders (Kang & McAuley 2018): at the test the validation item is known. */
async function leaveOneOut(path: string): Promise<Data> {
  const lines = await readLines(path, 'data');
  const numbers = new Numbers();
  const histories = lines.map(([, ...items]) => numbers.history(items)).filter(({ length }) => length > 0);
  const isTestable = (history: History): boolean => history.length >= 3;
  if (!histories.some(isTestable))
    throw new InvalidInputError(`${path} has no listener with three items or more`, 'data');
  return {
    known: histories.map((history) => (isTestable(history) ? history.slice(0, -1) : history)),
    train: histories.map((history) => (isTestable(history) ? history.slice(0, -2) : history)),
    cases: histories.flatMap((history) =>
      isTestable(history) ? [{ history: history.slice(0, -1), targets: [history.at(-1)?.trackId ?? 0] }] : [],
    ),
  };
}

/** Trained on one file and asked for the same listeners' items in the other; who is only in the other is unknown. */
async function split(trainPath: string, testPath: string): Promise<Data> {
  const [trainLines, testLines] = [await readLines(trainPath, 'train'), await readLines(testPath, 'test')];
  const numbers = new Numbers();
  const histories = new Map(trainLines.map(([id, ...items]) => [id, numbers.history(items)]));
  const cases = testLines.flatMap(([id, ...items]) => {
    const history = histories.get(id) ?? [];
    const known = new Set(history.map(({ trackId }) => trackId));
    const targets = numbers.history(items).map(({ trackId }) => trackId);
    const unseen = targets.filter((item) => !known.has(item));
    return unseen.length > 0 ? [{ history, targets: unseen }] : [];
  });
  if (cases.length === 0) throw new InvalidInputError(`${testPath} has nothing that ${trainPath} has not`, 'test');
  const train = [...histories.values()];
  return { known: train, train, cases };
}

/** Trained on the histories alone, and asked for what came next in each. */
async function next(historyPath: string, targetPath: string): Promise<Data> {
  const [historyLines, targetLines] = [await readLines(historyPath, 'history'), await readLines(targetPath, 'target')];
  if (historyLines.length !== targetLines.length) {
    const counts = `${historyLines.length} lines, ${targetPath} ${targetLines.length}`;
    throw new InvalidInputError(`${historyPath} has ${counts}: they must be aligned`, 'target');
  }
  const numbers = new Numbers();
  const train = historyLines.map((items) => numbers.history(items));
  const cases = train.map((history, line) => ({
    history,
    targets: numbers.history(targetLines[line] ?? []).map(({ trackId }) => trackId),
  }));
  return { known: train, train, cases: cases.filter(({ targets }) => targets.length > 0) };
}

/** Items in the order in which they are first seen, from 1. */
class Numbers {
  readonly #numbers = new Map<string, number>();

  /** Each item once, where it was first. */
  history(items: readonly string[]): History {
    return [...new Set(items)].map((item) => ({ trackId: this.#of(item), strength: 1 }));
  }

  #of(item: string): number {
    const number = this.#numbers.get(item) ?? this.#numbers.size + 1;
    this.#numbers.set(item, number);
    return number;
  }
}

/** The words of each line. @throws InvalidInputError naming the option */
async function readLines(path: string, option: string): Promise<string[][]> {
  try {
    const file = await open(path);
    const stream = file.createReadStream();
    const input = path.endsWith('.gz') ? stream.pipe(createGunzip()) : stream;
    const lines: string[][] = [];
    for await (const line of createInterface({ input, crlfDelay: Infinity })) lines.push(line.match(/\S+/g) ?? []);
    return lines;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new InvalidInputError(`${path} cannot be read: ${error.message}`, option);
  }
}

await runCommand({ usage: USAGE, run });
