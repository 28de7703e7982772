import { InvalidInputError } from '../lib/errors.ts';
import type { Sampling } from '../ml/engine.ts';
import { planExtension, planInfill, planTune, planVariation, type TuneTask } from '../tunes/tunes.ts';
import type { Draft, StartDraftInput, TuneDraftInput, TuneSource } from './contract.ts';
import { type DraftRecord, isTyped, lastTurn } from './log/stored.ts';
import { joined, keptPassages } from './text/passages.ts';

const FIELD = 'input.tune';

/** A tune's draft, or null where there is none that the viewer may read. */
export type FindDraft = (id: string) => Promise<Draft | null>;

/**
 * Plans what a draft of kind TUNE is to write; null for the other kinds.
 * @throws InvalidInputError that says what would be right
 */
export async function tuneTaskOf(
  { kind, tune, sampling }: StartDraftInput,
  request: { seed: number; title: string; find: FindDraft },
): Promise<TuneTask | null> {
  if (kind !== 'TUNE' && tune == null) return null;
  const task = await plannedTask(tune ?? {}, request);
  if (kind !== 'TUNE') refuse(FIELD, `is for drafts of kind TUNE, not ${kind}`);
  if (sampling?.bannedPhrases?.length)
    refuse('input.sampling.bannedPhrases', 'cannot be kept out of a tune, which has no words');
  return task;
}

async function plannedTask(
  tune: TuneDraftInput,
  { seed, title, find }: { seed: number; title: string; find: FindDraft },
): Promise<TuneTask> {
  const { infill, variationOf, ...settings } = tune;
  const task = planTune(settings, { seed, title });
  if (infill == null && variationOf == null) return task;
  refuseOthers(infill == null ? 'variationOf' : 'infill', tune);
  if (infill != null) {
    const { abc, field } = await tuneSource(infill, `${FIELD}.infill`, find);
    return planInfill(abc, infill.bars, { seed, field, barsField: `${FIELD}.infill.bars` });
  }
  const field = `${FIELD}.variationOf`;
  return planVariation(await abcOf(variationOf ?? '', field, find), title, { seed, field });
}

function refuseOthers(chosen: 'infill' | 'variationOf', tune: TuneDraftInput): void {
  const others = Object.entries(tune).filter(([name, value]) => name !== chosen && value != null);
  for (const [name] of others)
    refuse(`${FIELD}.${name}`, `cannot be combined with ${chosen}, which keeps what the tune is`);
}

/**
 * @param path of the input that names the tune
 * @returns its ABC, and the path of the field that has it
 */
export async function tuneSource(
  { draftId, abc }: TuneSource,
  path: string,
  find: FindDraft,
): Promise<{ abc: string; field: string }> {
  if (draftId != null && abc == null) return { abc: await abcOf(draftId, `${path}.tune`, find), field: `${path}.tune` };
  if (abc != null && draftId == null) return { abc, field: `${path}.abc` };
  return refuse(path, 'needs either tune or abc');
}

async function abcOf(id: string, field: string, find: FindDraft): Promise<string> {
  const draft = await find(id);
  if (draft?.kind !== 'TUNE') return refuse(field, 'is not a tune that you may read');
  if (draft.status === 'QUEUED' || draft.status === 'GENERATING')
    return refuse(field, 'is a tune that is still being written');
  return draft.text;
}

/**
 * What a continuation of a tune writes: the rest of one that was ended early, or else a further section; null for texts.
 * @throws InvalidInputError
 */
export function continuedTune(
  draft: DraftRecord,
  { seed, instruction, at }: { seed: number; instruction: string | null; at: number | null },
): TuneTask | null {
  if (draft.kind !== 'TUNE') return null;
  if (instruction !== null) refuse('input.instruction', 'cannot be followed in a tune; leave it out');
  if (at !== null) refuse('input.at', 'is for texts: a tune is continued at its end, and infill changes its bars');
  const { tune, sampling } = lastTurn(draft);
  const isWhole = draft.finishReason === 'STOP' && sampling.stop.length === 0;
  if (!tune || isWhole || draft.turns.some(isTyped)) return planExtension(draft.text, { seed, field: 'input.draftId' });
  const before = joined(keptPassages(draft).before).length + tune.header.length;
  return { ...tune, header: '', plan: { ...tune.plan, written: tune.plan.written + draft.text.slice(before) } };
}

/** A tune may have as many tokens as the model's context leaves: its plan says where it ends. */
export function tuneSampling(sampling: Sampling, task: TuneTask, contextTokens: number | null): Sampling {
  const prompt = task.prompt.length + task.context.length + task.plan.written.length;
  return { ...sampling, maxTokens: Math.min(MOST_TOKENS, Math.max(1, (contextTokens ?? USUAL_CONTEXT) - prompt - 1)) };
}

const MOST_TOKENS = 4096;
const USUAL_CONTEXT = 1024;

function refuse(field: string, message: string): never {
  throw new InvalidInputError(`${field} ${message}`, field);
}
