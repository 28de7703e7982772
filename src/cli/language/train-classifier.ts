import { availableParallelism } from 'node:os';
import { loadConfig } from '../../config.ts';
import {
  checkHeadName,
  headPath,
  readLabelledTexts,
  readLabelNames,
  trainHead,
  writeHead,
} from '../../language/language.ts';
import { parseCommandLine, UsageError } from '../command.ts';
import { openDisplay, print } from '../display.ts';
import { numberOption } from '../evaluating/tune-options.ts';
import { openConfiguredEncoder } from './language-options.ts';

const USAGE = `npm run train -- classifier --data FILE [--dev FILE] [--labels FILE] [--name NAME] [--out FILE]
                              [--epochs N] [--seed N] [--threads N]

  Trains a classifier of texts on labels of your own: text<TAB>label[,label…], one a line, or JSON lines with text and
  label or labels; the file may be gzipped. A tenth of the texts is held out to choose the number of epochs, the
  thresholds and the temperature. The classifier is stored in the data folder, where a server finds it by its name.

  --dev      texts to measure it on, which take no part in any choice (default: another tenth)
  --labels   names of labels that are numbers in the data: one a line, from 0
  --name     (default: classifier)
  --out      (default: heads/NAME.json in the data folder)
  --epochs   most passes over the data (default: 20)
  --seed     of the parts and the order (default: 1)`;

/** `npm run train -- classifier`. @throws UsageError; InvalidInputError; ModelUnavailableError; the signal's reason */
export async function runClassifierTraining(args: string[], signal: AbortSignal): Promise<number> {
  const options = {
    data: { type: 'string' },
    dev: { type: 'string' },
    labels: { type: 'string' },
    name: { type: 'string', default: 'classifier' },
    out: { type: 'string' },
    epochs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (values.data === undefined) throw new UsageError('--data is missing');
  const name = checkHeadName(values.name, 'name');
  const numbers = {
    epochs: numberOption('epochs', values.epochs, 1, 1000),
    seed: numberOption('seed', values.seed, 0, 2 ** 32 - 1),
    threads: numberOption('threads', values.threads, 1, 1024),
  };
  const rows = await readLabelledTexts(values.data, 'data');
  const dev = values.dev === undefined ? undefined : await readLabelledTexts(values.dev, 'dev');
  const names = values.labels === undefined ? undefined : await readLabelNames(values.labels, 'labels');
  using display = openDisplay();
  await using vectors = await openConfiguredEncoder(signal, display.step);
  const training = {
    name,
    vectors,
    encoder: vectors.model.digest,
    rows,
    dev,
    names,
    ...numbers,
    now: new Date(),
    signal,
  };
  const head = await writeHead(
    values.out ?? headPath(loadConfig().dataDir, name),
    await trainHead({ ...training, report: display.progress }),
  );
  const { macroF1, accuracy, ece, rows: measured } = head.dev;
  const figures = `macro-F1 ${macroF1.toFixed(3)}, accuracy ${accuracy.toFixed(3)}, calibration error ${ece.toFixed(3)}`;
  display.step(`${name} ${head.version}: ${head.labels.length} labels; on ${measured} other texts ${figures}`);
  return 0;
}
