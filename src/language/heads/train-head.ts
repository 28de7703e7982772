import { InvalidInputError } from '../../lib/errors.ts';
import { uniformAt } from '../../lib/random.ts';
import type { TextVectors } from '../../ml/engine.ts';
import { type LabelledVectors, trainLinearHead } from '../../ml/train.ts';
import { calibrate } from './calibrate.ts';
import { judge } from './evaluate-head.ts';
import type { TextHead } from './head-file.ts';
import { measureHead } from './head-metrics.ts';
import type { LabelledText } from './labelled-texts.ts';

export interface HeadTraining {
  name: string;
  vectors: TextVectors;
  /** The encoder's digest. */
  encoder: string;
  rows: readonly LabelledText[];
  /** Rows to measure the head on. A tenth of the others by default. */
  dev?: readonly LabelledText[] | undefined;
  /** Names of labels that are numbers in the rows. */
  names?: readonly string[] | undefined;
  seed: number;
  epochs: number;
  threads: number;
  now: Date;
  signal: AbortSignal;
  report?: (progress: { done: number; whole: number; what: string }) => void;
}

/** Number of texts that are encoded in one request. */
const AT_ONCE = 64;
/** Rows beyond these would not fit into the memory of a small machine. */
const MOST_ROWS = 100_000;
const FEWEST_ROWS = 20;
const MOST_LABELS = 100;
/** Share of the rows on which epochs, thresholds and temperature are chosen, and by default that of `dev`. */
const HELD_SHARE = 0.1;

/**
 * Trains a classifier of texts on labels of the caller's. Part of the rows is held out to choose on; `dev` takes no part
 * in any choice.
 * @throws InvalidInputError if there are too few or too many rows, or one label only; ModelUnavailableError; the
 * signal's reason
 */
export async function trainHead(training: HeadTraining): Promise<Omit<TextHead, 'format' | 'version'>> {
  const { name, encoder, rows, dev, names = [], seed, epochs, threads, now, signal, report } = training;
  const named = rows.map((row) => ({ ...row, labels: row.labels.map((label) => nameOf(label, names)) }));
  const labels = [...new Set(named.flatMap((row) => row.labels))].sort(inOrderOf(names));
  checkRows(named, labels);
  const parts = split(named, seed, dev === undefined);
  const taught = await vectorsOf(parts.taught, labels, training);
  const held = await vectorsOf(parts.held, labels, training);
  const width = taught.vectors.length / parts.taught.length;
  const learned = await trainLinearHead(taught, {
    ...{ width, labels: labels.length, epochs, seed, threads, held, signal },
    report: ({ epoch, epochs: whole, loss }) =>
      report?.({ done: epoch, whole, what: `epochs, held-out loss ${loss.toFixed(4)} nats` }),
  });
  const { temperature, thresholds } = calibrate(learned, held);
  const head: Omit<TextHead, 'dev'> = {
    ...{ format: 1, version: '', name, encoder, labels, width, thresholds, temperature },
    weight: learned.weight.map((value) => value / temperature),
    bias: learned.bias.map((value) => value / temperature),
    training: { rows: parts.taught.length, held: parts.held.length, seed, trainedAt: now.toISOString() },
  };
  const { format: _, version: __, ...rest } = head;
  const { judged } = await judge(head, dev ?? parts.dev, training);
  return { ...rest, dev: measureHead(judged, labels.length) };
}

/** A number names a label by its place, from 0, if names were given. */
function nameOf(label: string, names: readonly string[]): string {
  return /^\d+$/.test(label) ? (names[Number(label)] ?? label) : label;
}

const inOrderOf = (names: readonly string[]) => {
  const place = new Map(names.map((one, i) => [one, i]));
  return (a: string, b: string) =>
    (place.get(a) ?? Infinity) - (place.get(b) ?? Infinity) || a.localeCompare(b, 'en', { numeric: true });
};

function checkRows(rows: readonly LabelledText[], labels: readonly string[]): void {
  if (rows.length < FEWEST_ROWS || rows.length > MOST_ROWS)
    throw new InvalidInputError(`${FEWEST_ROWS} to ${MOST_ROWS} rows are needed, not ${rows.length}`, 'data');
  if (labels.length < 2)
    throw new InvalidInputError(`all rows have the label ${labels[0] ?? ''}: there is nothing to tell apart`, 'data');
  if (labels.length > MOST_LABELS)
    throw new InvalidInputError(`at most ${MOST_LABELS} labels are possible, not ${labels.length}`, 'data');
}

/** Equal texts fall into one part. */
function split(rows: readonly LabelledText[], seed: number, withDev: boolean) {
  const draws = new Map([...new Set(rows.map(({ text }) => text))].map((text, i) => [text, uniformAt(seed, i)]));
  const drawn = (from: number, to: number) =>
    rows.filter(({ text }) => (draws.get(text) ?? 0) >= from && (draws.get(text) ?? 0) < to);
  const start = HELD_SHARE * (withDev ? 2 : 1);
  const parts = { held: drawn(0, HELD_SHARE), dev: drawn(HELD_SHARE, start), taught: drawn(start, 1) };
  if (parts.held.length > 0 && parts.taught.length > 0 && (parts.dev.length > 0 || !withDev)) return parts;
  throw new InvalidInputError('there are too few different texts to learn from and to choose on', 'data');
}

async function vectorsOf(
  rows: readonly LabelledText[],
  labels: readonly string[],
  { vectors, signal, report }: HeadTraining,
): Promise<LabelledVectors> {
  const place = new Map(labels.map((label, i) => [label, i]));
  const targets = new Float32Array(rows.length * labels.length);
  rows.forEach((row, i) => {
    for (const label of row.labels) targets[i * labels.length + (place.get(label) ?? 0)] = 1;
  });
  let all = new Float32Array(0);
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const encoded = await vectors.encode(
      rows.slice(from, from + AT_ONCE).map(({ text }) => text),
      { signal },
    );
    encoded.forEach(({ states }, i) => {
      if (all.length === 0) all = new Float32Array(rows.length * states.length);
      all.set(states, (from + i) * states.length);
    });
    report?.({ done: Math.min(rows.length, from + AT_ONCE), whole: rows.length, what: 'texts encoded' });
  }
  return { vectors: all, targets };
}
