import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { InvalidInputError } from '../../lib/errors.ts';
import type { History, HoldoutCase } from '../../recommend/recommender.ts';

/** `known` chooses the settings, `train` trains the measured model. */
export interface EvaluationData {
  known: History[];
  train: History[];
  cases: HoldoutCase[];
  search: { ordered: boolean; mayRepeat: boolean };
}

/** The protocol of sequential recommenders (Kang & McAuley 2018): in the test the validation item is known. */
export async function leaveOneOut(path: string): Promise<EvaluationData> {
  const histories = [...(await readListeners(path, 'data', new Numbers())).values()];
  const isTestable = (history: History): boolean => history.length >= 3;
  if (!histories.some(isTestable)) {
    throw new InvalidInputError(`${path} has no listener with at least three items`, 'data');
  }
  return {
    known: histories.map((history) => (isTestable(history) ? history.slice(0, -1) : history)),
    train: histories.map((history) => (isTestable(history) ? history.slice(0, -2) : history)),
    cases: histories.flatMap((history) => {
      const last = history.at(-1);
      return last && isTestable(history) ? [{ history: history.slice(0, -1), targets: [last.trackId] }] : [];
    }),
    search: { ordered: true, mayRepeat: false },
  };
}

/**
 * Trains on one file and predicts the same listeners' items in the other. A listener that is only in the other is
 * unknown.
 */
export async function split(trainPath: string, testPath: string): Promise<EvaluationData> {
  const numbers = new Numbers();
  const histories = await readListeners(trainPath, 'train', numbers);
  const cases: HoldoutCase[] = [];
  for (const [id, items] of await readListeners(testPath, 'test', numbers)) {
    const history = histories.get(id) ?? [];
    const targets = new Set(items.map(({ trackId }) => trackId));
    for (const { trackId } of history) targets.delete(trackId);
    if (targets.size > 0) cases.push({ history, targets: [...targets] });
  }
  if (cases.length === 0) throw new InvalidInputError(`${testPath} has no items that are not in ${trainPath}`, 'test');
  const train = [...histories.values()];
  return { known: train, train, cases, search: { ordered: false, mayRepeat: false } };
}

/** Trains on the histories and predicts the next item of each. */
export async function next(historyPath: string, targetPath: string): Promise<EvaluationData> {
  const numbers = new Numbers();
  const histories: History[] = [];
  for await (const items of words(historyPath, 'history')) histories.push(numbers.history(items));
  const targets: History[] = [];
  for await (const items of words(targetPath, 'target')) targets.push(numbers.history(items));
  checkAligned([historyPath, histories], [targetPath, targets]);
  const cases = targets.flatMap((items, line) => {
    return items.length > 0 ? [{ history: histories[line] ?? [], targets: items.map(({ trackId }) => trackId) }] : [];
  });
  if (cases.length === 0) throw new InvalidInputError(`${targetPath} has no items`, 'target');
  const train = histories.filter((history, line) => {
    return !isBeginningOf(history, histories[line + 1]) && !isBeginningOf(history, histories[line - 1]);
  });
  return { known: train, train, cases, search: { ordered: true, mayRepeat: true } };
}

/** Empty lines at the end of a file are ignored. */
function checkAligned(...[[path, lines], [otherPath, others]]: [[string, History[]], [string, History[]]]): void {
  for (const longer of [lines, others]) {
    const least = Math.min(lines.length, others.length);
    while (longer.length > least && longer.at(-1)?.length === 0) longer.pop();
  }
  if (lines.length === others.length) return;
  const counts = `${lines.length} lines and ${otherPath} ${others.length}`;
  throw new InvalidInputError(`${path} has ${counts}: they must be aligned`, 'target');
}

/** A history that is tested item by item appears several times, each time as the beginning of the next line. */
const isBeginningOf = (history: History, longer: History | undefined): boolean =>
  longer !== undefined && history.length < longer.length && history.every((heard, i) => heard === longer[i]);

/**
 * Numbers the items from 1 in order of first occurrence. All occurrences of an item share one object, because there are
 * millions.
 */
class Numbers {
  readonly #known = new Map<string, History[number]>();

  history(items: readonly string[]): History {
    return items.map((item) => this.#of(item));
  }

  #of(item: string): History[number] {
    const heard = this.#known.get(item) ?? { trackId: this.#known.size + 1, strength: 1 };
    if (heard.trackId > this.#known.size) this.#known.set(item, heard);
    return heard;
  }
}

/** The items of each id's lines, in order. @throws InvalidInputError naming the option */
async function readListeners(path: string, option: string, numbers: Numbers): Promise<Map<string, History>> {
  const histories = new Map<string, History>();
  for await (const [id, ...items] of words(path, option)) {
    if (id === undefined) continue;
    const known = histories.get(id);
    const history = numbers.history(items);
    histories.set(id, known ? [...known, ...history] : history);
  }
  if (histories.size === 0) throw new InvalidInputError(`${path} has no lines`, option);
  return histories;
}

/** The words of each line. @throws InvalidInputError naming the option */
async function* words(path: string, option: string): AsyncGenerator<string[]> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const stream = file.createReadStream({ start: 0, autoClose: false });
    const input = buffer.readUInt16BE() === GZIP ? stream.pipe(createGunzip()) : stream;
    stream.on('error', (error) => input.destroy(error));
    for await (const line of createInterface({ input, crlfDelay: Infinity })) yield line.match(/\S+/g) ?? [];
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof InvalidInputError) throw error;
    throw new InvalidInputError(`${path} cannot be read: ${error.message}`, option);
  }
}

const GZIP = 0x1f8b;
