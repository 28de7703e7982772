import { evaluateModel } from '../recommend/recommender.ts';
import { parseCommandLine, runCommand, UsageError } from './command.ts';
import { openDisplay, print } from './display.ts';
import { runForm } from './evaluating/evaluate-form.ts';
import { runOffPolicy } from './evaluating/evaluate-off-policy.ts';
import { runTuneEvaluation } from './evaluating/evaluate-tunes.ts';
import { type EvaluationData, leaveOneOut, next, split } from './evaluating/protocols.ts';
import { runClassifierEvaluation, runSentimentEvaluation } from './language/evaluate-classifier.ts';

const USAGE = `npm run evaluate -- --format sequences --protocol PROTOCOL … [--json]
npm run evaluate -- form [--samples N]   (--help says more)
npm run evaluate -- tunes --corpus FILE …   (--help says more)
npm run evaluate -- off-policy --simulate   (--help says more)
npm run evaluate -- classifier --data FILE   (--help says more)
npm run evaluate -- sentiment --data FILE   (--help says more)

  Chooses the model's settings on held-out tracks of the training data, trains, and prints HR@10, NDCG@10, Recall@20 (the
  share of the targets that is found) and NDCG@20, ranked among all items. For the lists of 200 listeners it also prints
  catalogue coverage, novelty, diversity, and the effect of leaving out their reasons. The last line is JSON.
  In files, words are separated by spaces or tabs, and lines with the same id are joined. Files may be gzipped.

  leave-one-out  (default) --data FILE: one line per listener, an id and items in order. The last item is for testing and
                 the one before it for validation; neither is used for training. Items that a listener already has are
                 not ranked.
  split          --train FILE --test FILE: one line per listener, an id and items in any order. Items that a listener
                 already has are not ranked. A listener that is not in the training file gets the most popular items.
  next           --history FILE --target FILE: aligned lines, the items of a history in order and the item that follows.
                 Only the histories are used for training. A history that is the beginning of the line before or after it
                 counts once. Whether items that a listener already has are ranked is chosen with the settings.`;

const PROTOCOLS = {
  'leave-one-out': { files: ['data'], read: leaveOneOut },
  split: { files: ['train', 'test'], read: split },
  next: { files: ['history', 'target'], read: next },
} as const;

async function run(args: string[]): Promise<number> {
  if (args[0] === 'form') return runForm(args.slice(1));
  if (args[0] === 'tunes') return runTuneEvaluation(args.slice(1));
  if (args[0] === 'off-policy') return runOffPolicy(args.slice(1));
  if (args[0] === 'classifier') return runClassifierEvaluation(args.slice(1));
  if (args[0] === 'sentiment') return runSentimentEvaluation(args.slice(1));
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
  if (!protocol)
    throw new UsageError(`--protocol ${values.protocol} is unknown; the protocols are ${names(PROTOCOLS)}`);
  const missing = protocol.files.find((name) => values[name] === undefined);
  if (missing !== undefined) throw new UsageError(`--${missing} is missing`);
  if (values.format !== 'sequences')
    throw new UsageError(`--format ${values.format} is unknown; the only format is sequences`);
  const paths = protocol.files.map((name) => values[name] ?? '');
  const result = await evaluate(await protocol.read(...(paths as [string, string])), values.json);
  if (!values.json) for (const [name, value] of Object.entries(result)) print(`${name.padEnd(24)}${value}`);
  return print(JSON.stringify(result));
}

const names = (record: object): string => Object.keys(record).join(', ');

async function evaluate({ search, ...data }: EvaluationData, isQuiet: boolean): Promise<Record<string, number>> {
  const start = performance.now();
  using display = isQuiet ? null : openDisplay();
  const costs = { trainSeconds: 0, peakRssMb: 0 };
  const onMeasured = (): void => {
    costs.trainSeconds = Math.round((performance.now() - start) / 10) / 100;
    costs.peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  };
  const { metrics, quality, chosen } = await evaluateModel(data, search, { report: display?.progress, onMeasured });
  const { cases, settings, repeats } = chosen;
  display?.step(`chosen on ${cases} held-out cases: ${JSON.stringify({ ...settings, repeats })}`);
  return { ...metrics, ...costs, ...quality };
}

await runCommand({ usage: USAGE, run });
