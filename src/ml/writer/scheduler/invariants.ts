import type { Decoder } from '../../decoder/decoder.ts';
import type { Running, StepPlan } from './plan.ts';
import type { Sequence } from './sequence.ts';

/** Conditions that hold before every run. @throws Error that names the violated ones: a defect */
export function checkInvariants(
  running: readonly Running[],
  waiting: readonly Sequence[],
  plan: StepPlan<Running>,
  decoder: Pick<Decoder, 'slots' | 'capacity'>,
): void {
  const slots = running.map(({ slot }) => slot);
  const all = [...waiting, ...running.map(({ generation }) => generation)];
  const problems = [
    new Set(slots).size !== slots.length && 'two drafts share a slot',
    slots.some((slot) => slot < 0 || slot >= decoder.slots) && 'a draft is in no slot',
    slots.some((slot) => slot >= slots.length) && 'there is a hole between the drafts',
    waiting.length > 0 && running.length < decoder.slots && 'a draft waits while a slot is free',
    new Set(all).size !== all.length && 'a draft is there twice',
    all.some(({ finished }) => finished) && 'a finished draft is still there',
    all.some(({ tokens }) => tokens.length > decoder.capacity) && 'a draft is longer than its slot',
    running.some((one) => !isPlausible(one)) && 'a draft is not where it says',
    plan.decode.some((one) => !running.includes(one)) && 'a row is decoded that has no slot',
    plan.prefill.some(({ from, to }) => to - from < 2) && 'a prompt is taken in by a single token',
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) throw new Error(`the scheduler's state is inconsistent: ${problems.join('; ')}`);
}

function isPlausible({ work, generation: { tokens, job } }: Running): boolean {
  if (work.type === 'decode') return work.position === tokens.length - 1;
  return work.total === job.prompt.length && tokens.length === work.total && work.done <= work.total - 2;
}
