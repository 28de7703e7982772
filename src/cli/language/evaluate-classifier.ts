import { loadConfig } from '../../config.ts';
import {
  correlate,
  evaluateHead,
  HeadFolder,
  readHead,
  readLabelledTexts,
  readRatedTexts,
  sentimentOf,
} from '../../language/language.ts';
import { parseCommandLine, UsageError } from '../command.ts';
import { openDisplay, print } from '../display.ts';
import { openConfiguredEncoder } from './language-options.ts';

const USAGE = `npm run evaluate -- classifier --data FILE [--head NAME|FILE.json] [--json]
npm run evaluate -- sentiment --data FILE [--json]

  classifier  measures a classifier (default: emotion) on text<TAB>label[,label…] or JSON lines: macro-F1, the share of
              texts whose likeliest label is right, the calibration error of its probability, and the greatest
              difference between a score and the sum over words that explains it. Labels are names, or numbers from 0;
              rows whose labels the classifier does not have are left out.
  sentiment   Pearson's correlation of sentiment with ratings on any scale: id<TAB>rating<TAB>text.`;

const OPTIONS = {
  data: { type: 'string' },
  head: { type: 'string', default: 'emotion' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const;

/** `npm run evaluate -- classifier`. @throws UsageError; InvalidInputError; ModelUnavailableError; NotFoundError */
export async function runClassifierEvaluation(args: string[]): Promise<number> {
  const { values } = parseCommandLine({ args, options: OPTIONS });
  if (values.help) return print(USAGE);
  if (values.data === undefined) throw new UsageError('--data is missing');
  const head = values.head.endsWith('.json') ? await readHead(values.head) : await findHead(values.head);
  const rows = await readLabelledTexts(values.data, 'data');
  using display = values.json ? null : openDisplay();
  const signal = new AbortController().signal;
  await using vectors = await openConfiguredEncoder(signal, display?.step ?? (() => undefined));
  const found = await evaluateHead(head, rows, { vectors, signal, report: display?.progress });
  const { macroF1, accuracy, ece, additivityError, rows: judged, leftOut } = found;
  const figures = {
    macro_f1: macroF1,
    accuracy,
    ece,
    additivity_error: additivityError,
    rows: judged,
    left_out: leftOut,
  };
  return show(figures, values.json);
}

/** `npm run evaluate -- sentiment`. @throws UsageError; InvalidInputError; ModelUnavailableError */
export async function runSentimentEvaluation(args: string[]): Promise<number> {
  const { values } = parseCommandLine({ args, options: OPTIONS });
  if (values.help) return print(USAGE);
  if (values.data === undefined) throw new UsageError('--data is missing');
  const rows = await readRatedTexts(values.data, 'data');
  const head = await findHead('emotion');
  const signal = new AbortController().signal;
  using display = values.json ? null : openDisplay();
  await using vectors = await openConfiguredEncoder(signal, display?.step ?? (() => undefined));
  const score = async (texts: readonly string[]) =>
    (await vectors.encode(texts, { signal })).map((encoded) => sentimentOf(head, encoded));
  return show({ pearson: await correlate(rows, score), rows: rows.length }, values.json);
}

const findHead = (name: string) => new HeadFolder(loadConfig().dataDir).find(name, 'head');

function show(figures: Record<string, number>, isQuiet: boolean): number {
  if (!isQuiet) for (const [name, value] of Object.entries(figures)) print(`${name.padEnd(24)}${value}`);
  return print(JSON.stringify(figures));
}
