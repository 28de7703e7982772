import { judgeList } from '../measure/judged-list.ts';
import { estimate } from '../measure/off-policy-estimate.ts';
import type { Serving } from '../model/serving.ts';
import { Trainer } from '../train/trainer-thread.ts';
import { type ClickedList, SimulatedDeployment } from './simulated-deployment.ts';

/** How a version is related to the clicks by which it is judged. */
export const OFF_POLICY_CASES = {
  untrained: 'a version that was never trained, judged on all lists',
  others: 'a version trained on a third of the listeners, before the lists',
  clicks: 'a version trained on the clicks in half of the lists, judged on the later ones',
  ownClicks: 'the same, judged by the very clicks that it was trained on: what must not be done',
} as const;
export type OffPolicyCase = keyof typeof OFF_POLICY_CASES;

/** Of all deployments in which there was an estimate; means of rates. */
export interface CaseOutcome {
  /** Number of estimates. In the others it was refused. */
  given: number;
  /** Number of those whose interval holds the true click-through rate. */
  held: number;
  truth: number;
  /** The click-through rate of the lists as served, which a naive comparison would take. */
  ctr: number;
  snips: number;
  width: number;
}

const ROUNDS = 3;
const RIDGE = 20;

/**
 * Simulated deployments with known chances of a click: how often the interval of an off-policy estimate holds the truth.
 * @param report called with the number of deployments so far
 */
export async function simulateOffPolicy(
  deployments: number,
  report: (done: number) => void,
): Promise<Record<OffPolicyCase, CaseOutcome>> {
  const outcomes = { untrained: nothing(), others: nothing(), clicks: nothing(), ownClicks: nothing() };
  await using trainer = new Trainer();
  for (let seed = 1; seed <= deployments; seed++) {
    const deployment = new SimulatedDeployment(seed, trainer);
    const before = deployment.histories();
    const active = await deployment.train('active', before, RIDGE);
    const earlier = deployment.serve(active, ROUNDS);
    const learned = await deployment.train('clicks', deployment.histories(), RIDGE);
    const later = deployment.serve(active, ROUNDS);
    const others = await deployment.train(
      'others',
      before.filter((_, i) => i % 3 === 0),
      RIDGE,
    );
    const judge = (name: OffPolicyCase, version: Serving, lists: readonly ClickedList[]): void => {
      const judged = lists.flatMap(({ list, clicked }) => judgeList(list, clicked, active, version));
      add(outcomes[name], estimate(judged), deployment.truth(version, lists));
    };
    judge('untrained', deployment.untrained(), [...earlier, ...later]);
    judge('others', others, [...earlier, ...later]);
    judge('clicks', learned, later);
    judge('ownClicks', learned, earlier);
    report(seed);
  }
  return outcomes;
}

const nothing = (): CaseOutcome => ({ given: 0, held: 0, truth: 0, ctr: 0, snips: 0, width: 0 });

function add(outcome: CaseOutcome, { snips, low, high, ctr }: ReturnType<typeof estimate>, truth: number): void {
  if (snips === null || low === null || high === null || ctr === null) return;
  outcome.given += 1;
  if (low <= truth && truth <= high) outcome.held += 1;
  for (const [name, value] of Object.entries({ truth, ctr, snips, width: high - low }) as [
    keyof CaseOutcome,
    number,
  ][]) {
    outcome[name] += (value - outcome[name]) / outcome.given;
  }
}
