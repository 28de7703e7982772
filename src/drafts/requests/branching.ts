import { InvalidInputError } from '../../lib/errors.ts';
import { checkExactText, checkRange } from '../../lib/text/check-text.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { Sampling } from '../../ml/engine.ts';
import type { BranchDraftInput, Draft, DraftOrigin } from '../contract.ts';
import { checkInstruction, checkPosition, checkRevision, resolveAlternatives } from '../draft-input.ts';
import { type DraftRecord, isTyped, modelTurns, type Turn, type TurnHistory, type TurnVerse } from '../log/stored.ts';
import { joined, keptAs, NO_TEXT, type Passage, passagesOf, splitAt } from '../text/passages.ts';
import type { FindDraft } from '../tune-draft.ts';
import { noUsage } from '../turns/draft-writer.ts';
import { continueFormat } from '../turns/format-turn.ts';
import { conversationOf } from '../turns/prompts.ts';
import { writtenTurns } from '../turns/turn-events.ts';
import { checkForm, continueVerse, startVerse } from '../turns/verse-turn.ts';
import type { DraftAccess } from './access.ts';
import type { NewDrafts, NewText } from './new-drafts.ts';
import type { Places } from './places.ts';
import { askedOf, checkUnchanged } from './repetitions.ts';

const MAX_TEXT = 1_000;

interface BranchingOptions {
  access: DraftAccess;
  places: Places;
  newDrafts: NewDrafts;
  /** Draws seeds: a float in [0, 1). */
  random: () => number;
}

/** What a branch keeps, and how it goes on. */
interface Branch {
  base: DraftRecord;
  passages: readonly Passage[];
  origin: DraftOrigin;
  instruction: string | null;
  find: FindDraft;
}

/** Starts drafts from other drafts: anew, or from a position of their text on ([TREE1]). */
export class Branching {
  readonly #options: BranchingOptions;

  constructor(options: BranchingOptions) {
    this.#options = options;
  }

  async branch(viewer: Viewer, input: BranchDraftInput): Promise<Draft> {
    const { access, newDrafts, random } = this.#options;
    const base = await access.readable(viewer, input.draftId);
    checkForm(input.form);
    const text = input.text == null ? '' : checkExactText(input.text, 'input.text', { min: 0, max: MAX_TEXT });
    const instruction = checkInstruction(input.instruction);
    const samplings = resolveAlternatives(input, random);
    const at = input.at ? (checkPosition(input) ?? 0) : 0;
    const ifRevision = checkRevision(input.ifRevision);
    const asked = askedOf(input);
    const repeated = asked && (await access.startedBy(viewer, asked));
    if (repeated) return repeated;
    if (ifRevision !== null) checkUnchanged(base, ifRevision);
    checkRange(at, 'input.at', 0, countCodePoints(base.text));
    const { sequence: revision } = base;
    const isRetry = at === 0 && text === '';
    checkBranch(base, isRetry, instruction);
    const origin: DraftOrigin = isRetry ? { type: 'RETRY', revision } : { type: 'BRANCH', revision, at, text };
    const find = access.finderFor(viewer);
    const branch = { base, origin, instruction, find, passages: beginning(base, at, text) };
    const texts = await Promise.all(samplings.map((sampling) => this.#textOf(branch, sampling, input)));
    return newDrafts.begin(viewer, texts, asked);
  }

  async #textOf(branch: Branch, drawn: Sampling, input: BranchDraftInput): Promise<NewText> {
    const { places } = this.#options;
    const { base, passages, instruction, find } = branch;
    const [first] = base.turns;
    // A passage that is written anew once more is another version for the same place.
    const from =
      base.origin?.type === 'REWRITE'
        ? { parentId: base.parentId, origin: base.origin }
        : { parentId: base.id, origin: branch.origin };
    const { kind, title, prompt, modelId } = base;
    const place = {
      instruction,
      sampling: drawn,
      before: noUsage,
      model: places.digestOf(modelId),
      asked: null,
      at: null,
    };
    // What was written before is one answer to the prompt, as after a change by a person ([DRAFT12]).
    const isAnew = passages.length === 0;
    const turn: Turn = { ...place, from: isAnew ? 1 : 0, verse: null, format: null, tune: first.tune };
    const about = { kind, title, prompt, visibility: 'PRIVATE', modelId } as const;
    const kept = isAnew ? NO_TEXT : keptAs(passages, 0);
    const turnsWith = (last: Turn): TurnHistory =>
      isAnew ? [last] : [{ ...first, asked: null, from: 0 }, { type: 'typed', from: 0, asked: [] }, last];
    const written = writtenTurns({ turns: turnsWith(turn), ...kept });
    const conversation = conversationOf({ kind, prompt, origin: from.origin, format: first.format }, written);
    const form = { ...drawn, kind, find };
    const verse = isAnew
      ? input.form == null
        ? first.verse
        : await startVerse(input.form, form)
      : await continueVerse(input, { ...form, before: verseAt(base, joined(passages).length) }, conversation);
    const before = input.form == null ? first.format : null;
    const format = isAnew ? before : continueFormat(before, conversation);
    const sampling = places.sized(drawn, input.sampling, { modelId, tune: turn.tune, verse, format });
    return { ...about, ...from, turns: turnsWith({ ...turn, verse, format, sampling }), kept };
  }
}

/** The passages before a position, and a text behind them that a person has chosen. */
function beginning(base: DraftRecord, at: number, text: string): Passage[] {
  const { before } = splitAt(passagesOf(base, modelTurns(base).length), at);
  const kept = before.map((passage) => ({ ...passage, turn: passage.turn && 1 }));
  return text === '' ? kept : [...kept, { text, turn: null }];
}

/** @throws InvalidInputError */
function checkBranch({ kind, origin }: DraftRecord, isRetry: boolean, instruction: string | null): void {
  if (isRetry && instruction !== null)
    throw new InvalidInputError('input.instruction requires input.at: it follows a text', 'input.instruction');
  if (isRetry) return;
  if (kind === 'TUNE')
    throw new InvalidInputError('input.at must be 0 for a tune: infill changes its bars', 'input.at');
  if (origin?.type === 'REWRITE')
    throw new InvalidInputError('input.at must be 0 for a rewritten passage, which can be continued', 'input.at');
}

/** The form that the beginning of a text of this length keeps, where it is known from which position on. */
function verseAt({ turns }: DraftRecord, length: number): TurnVerse | null {
  if (turns.some((turn) => isTyped(turn) || turn.instruction !== null)) return null;
  return modelTurns({ turns }).findLast(({ verse }) => verse !== null && verse.from <= length)?.verse ?? null;
}
