import type { KeyedQueue } from '../../lib/async/keyed-queue.ts';
import { ConflictError } from '../../lib/errors.ts';
import { payerOf, type Viewer } from '../../listeners/listeners.ts';
import type { ContinueDraftInput, Draft } from '../contract.ts';
import { checkInstruction, checkPosition, checkRevision, positionIn, resolveSampling } from '../draft-input.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { type DraftRecord, lastTurn, type Turn } from '../log/stored.ts';
import { joined, keptPassages } from '../text/passages.ts';
import { continuedTune } from '../tune-draft.ts';
import type { DraftTurns } from '../turns/draft-turns.ts';
import { continueFormat } from '../turns/format-turn.ts';
import { type Conversation, conversationOf } from '../turns/prompts.ts';
import { nextTurn, opening, positionAfter, writtenTurns } from '../turns/turn-events.ts';
import { requestOf } from '../turns/turn-request.ts';
import { checkForm, continueVerse } from '../turns/verse-turn.ts';
import type { DraftAccess } from './access.ts';
import type { Places } from './places.ts';
import { askedOf, checkUnchanged, isRepeated } from './repetitions.ts';

interface ContinuingOptions {
  access: DraftAccess;
  places: Places;
  log: DraftLog;
  turns: DraftTurns;
  /** One change or continuation at a time for each draft. */
  changing: KeyedQueue<string>;
  /** Draws seeds: a float in [0, 1). */
  random: () => number;
}

/** Continues drafts that have ended, in their own log. */
export class Continuing {
  readonly #options: ContinuingOptions;

  constructor(options: ContinuingOptions) {
    this.#options = options;
  }

  /** One after the other for each draft, like changes of its text: each finds what the one before it has left. */
  continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    return this.#options.changing.run(input.draftId, () => this.#continue(viewer, input));
  }

  async #continue(viewer: Viewer, input: ContinueDraftInput): Promise<Draft> {
    const { access, places, log, turns: writing, random } = this.#options;
    const row = await access.own(viewer, input.draftId);
    checkForm(input.form);
    const instruction = checkInstruction(input.instruction);
    const drawn = resolveSampling(input.sampling, random);
    const [ifRevision, position] = [checkRevision(input.ifRevision), checkPosition(input)];
    const asked = askedOf(input);
    if (isRepeated(row, asked)) return access.load(viewer, row.id);
    checkUnchanged(row, ifRevision);
    const at = positionIn(row.text, position);
    await places.checkRoom(viewer, row);
    const { modelId } = row;
    const before = { ...row, ...(await log.textBeforeTurn(row)) };
    const tune = continuedTune(before, { seed: drawn.seed, instruction, at });
    const model = places.digestOf(modelId);
    const asTurn = { instruction, sampling: drawn, from: row.sequence, before: row.usage, model, asked, at };
    const plain: Turn = { ...asTurn, verse: null, format: null, tune };
    const find = access.finderFor(viewer);
    const form = { ...drawn, find, kind: row.kind, before: at === null ? lastTurn(row).verse : null };
    const conversation = conversationAt(before, plain);
    const verse = await continueVerse(input, form, conversation);
    const format = at === null && input.form == null ? continueFormat(lastTurn(row).format, conversation) : null;
    const sampling = places.sized(drawn, input.sampling, { modelId, tune, verse, format });
    const turn: Turn = { ...plain, verse, format, sampling };
    const { turns, kept } = nextTurn(before, turn);
    const asking = await requestOf({ ...row, turns }, kept);
    const request = { ...asking, listener: row.listenerId };
    const events = opening(turn, joined(keptPassages(kept).before));
    const place = { at: positionAfter(turn, events), followedBy: joined(keptPassages(kept).after) };
    const start = { request, before: turn.before, ...place };
    const begun = await places.begin(viewer, [{ draftId: row.id, modelId, ...start }], async () => {
      const fence = await writing.claimEnded(row, payerOf(viewer));
      const moved = fence && (await log.append(fence, { type: 'turn', events, turns, kept }, writing.shutdown));
      return moved && [moved];
    });
    if (!begun && !isRepeated(await access.own(viewer, row.id), asked)) {
      throw new ConflictError('The draft was continued or changed by another request at the same moment');
    }
    return access.load(viewer, row.id);
  }
}

/** The conversation that a turn answers. */
function conversationAt(draft: DraftRecord, turn: Turn): Conversation {
  const { turns, kept } = nextTurn(draft, turn);
  return conversationOf({ ...draft, format: turns[0].format }, writtenTurns({ turns, ...kept }));
}
