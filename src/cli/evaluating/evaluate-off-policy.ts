import { OFF_POLICY_CASES, type OffPolicyCase, simulateOffPolicy } from '../../recommend/recommender.ts';
import { parseCommandLine, UsageError } from '../command.ts';
import { openDisplay, print } from '../display.ts';

const USAGE = `npm run evaluate -- off-policy --simulate [--deployments N] [--json]

  Simulates N deployments (by default 100) with known chances of a click: how often the interval of offPolicyEstimate
  holds the true click-through rate of a version that has not served, trained on the clicks or not. The last line is
  JSON: for each case the number of estimates, and of those whose interval holds the truth.`;

export async function runOffPolicy(args: string[]): Promise<number> {
  const options = {
    simulate: { type: 'boolean', default: false },
    deployments: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseCommandLine({ args, options });
  if (values.help) return print(USAGE);
  if (!values.simulate) throw new UsageError('--simulate is missing: there is no other data to evaluate on');
  const deployments = Number(values.deployments);
  if (!Number.isInteger(deployments) || deployments < 1 || deployments > 10_000) {
    throw new UsageError(`--deployments ${values.deployments} is no whole number from 1 to 10000`);
  }
  using display = values.json ? null : openDisplay();
  const report = (done: number) => display?.progress({ done, whole: deployments, what: 'Simulating deployments' });
  const outcomes = await simulateOffPolicy(deployments, report);
  const result: Record<string, number> = {};
  for (const [name, outcome] of Object.entries(outcomes) as [OffPolicyCase, (typeof outcomes)[OffPolicyCase]][]) {
    const { given, held, truth, ctr, snips, width } = outcome;
    if (!values.json) {
      print(`${name}: ${OFF_POLICY_CASES[name]}`);
      print(
        `  held by ${held} of ${given}; truth ${truth.toFixed(4)}, estimate ${snips.toFixed(4)} ± ${(width / 2).toFixed(4)}, as served ${ctr.toFixed(4)}`,
      );
    }
    const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    Object.assign(result, { [`${key}_held`]: held, [`${key}_given`]: given });
  }
  return print(JSON.stringify(result));
}
