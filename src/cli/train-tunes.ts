import { availableParallelism } from 'node:os';
import { trainTunes } from '../ml/train.ts';
import { parseCommandLine, UsageError } from './command.ts';
import { openDisplay, print } from './display.ts';
import { numberOption, readTexts } from './evaluating/tune-options.ts';

const USAGE = `npm run train -- tunes --corpus FILE … [--out FOLDER] [--width N] [--layers N] [--epochs N]
                         [--seed N] [--threads N]

  Trains a model of tunes on collections in ABC, separated by empty lines, on the runtime that serves it. Tunes that share
  a run of 32 notes are all for training, all for validation or all for testing. Ended at any point, the same command goes
  on from the latest checkpoint, to the same losses.

  --out      where checkpoints and the model are written: model.safetensors, config.json, vocabulary.json, loss.svg
             (default: .cadenza/tunes)
  --width    of the model's vectors, a multiple of 32 (default: 96)
  --layers   (default: 4)
  --epochs   passes over the training part (default: 10)
  --seed     of the first parameters, the order, the keys and the dropout (default: 1)
  --threads  (default: one for each core)`;

/** `npm run train -- tunes`. @throws UsageError; InvalidInputError; the signal's reason */
export async function runTunes(args: string[], signal: AbortSignal): Promise<number> {
  const options = {
    corpus: { type: 'string', multiple: true },
    out: { type: 'string', default: '.cadenza/tunes' },
    width: { type: 'string', default: '96' },
    layers: { type: 'string', default: '4' },
    epochs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseCommandLine({ args, options, allowPositionals: true });
  if (values.help) return print(USAGE);
  const files = [...(values.corpus ?? []), ...positionals];
  if (files.length === 0) throw new UsageError('--corpus is missing');
  const numbers = {
    width: 32 * numberOption('width / 32', String(Number(values.width) / 32), 1, 64),
    layers: numberOption('layers', values.layers, 1, 100),
    epochs: numberOption('epochs', values.epochs, 1, 10_000),
    seed: numberOption('seed', values.seed, 0, 2 ** 32 - 1),
    threads: numberOption('threads', values.threads, 1, 1024),
  };
  const texts = await readTexts(files);
  using display = openDisplay();
  const report = ({ step, steps, epoch, loss, validation, tokensPerSecond, secondsLeft }: Report) => {
    const losses = `loss ${loss.toFixed(3)}, validation ${validation?.toFixed(3) ?? '–'} nats a token`;
    const pace = `${Math.round(tokensPerSecond)} tokens/s, ${Math.ceil(secondsLeft / 60)} min left`;
    display.progress({ done: step, whole: steps, what: `epoch ${epoch + 1}, ${losses}, ${pace}` });
  };
  const { curve, parameters } = await trainTunes({
    ...{ texts, folder: values.out, ...numbers, signal, report, step: display.step },
  });
  const best = Math.min(...curve.map(({ validation }) => validation));
  display.step(`${parameters} parameters in ${values.out}; best validation loss ${best.toFixed(4)} nats a token`);
  return 0;
}

type Report = Parameters<NonNullable<Parameters<typeof trainTunes>[0]['report']>>[0];
