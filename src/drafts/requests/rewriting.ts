import type { KeyedQueue } from '../../lib/async/keyed-queue.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { checkRange } from '../../lib/text/check-text.ts';
import { countCodePoints } from '../../lib/text/code-points.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type {
  ApplyRewriteInput,
  Draft,
  DraftOrigin,
  RewriteDraftInput,
  RewriteOrigin,
  TextRange,
} from '../contract.ts';
import { checkInstruction, checkRevision, resolveAlternatives } from '../draft-input.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { isTerminal, type Repetition } from '../log/log-events.ts';
import type { DraftRecord, Turn } from '../log/stored.ts';
import { NO_TEXT } from '../text/passages.ts';
import { aroundPassage, fittedPassage, partOf, rangeAfter, withoutSpace } from '../text/rewritten-passage.ts';
import { noUsage } from '../turns/draft-writer.ts';
import type { DraftAccess } from './access.ts';
import type { Changing } from './changing.ts';
import type { NewDrafts, NewText } from './new-drafts.ts';
import type { Places } from './places.ts';
import { askedOf, checkUnchanged, isRepeated } from './repetitions.ts';

/** Maximum length of a passage that is written anew, in code points. */
const LONGEST = 4_000;
/** How much of the text before a passage the model is shown, in code points; half as much of what follows. */
const SHOWN = 2_000;
/** A passage gets half as many tokens as it has code points, and these. */
const MORE_TOKENS = 64;

interface RewritingOptions {
  access: DraftAccess;
  places: Places;
  log: DraftLog;
  newDrafts: NewDrafts;
  texts: Changing;
  /** One change or continuation at a time for each draft. */
  changing: KeyedQueue<string>;
  /** Draws seeds: a float in [0, 1). */
  random: () => number;
}

/** How a passage is put into its text. */
interface Put {
  origin: RewriteOrigin;
  asked: Repetition | null;
  /** Null if the text may have changed. */
  ifRevision: number | null;
}

/** Passages that are written anew for a text, as drafts of their own, and put into it. */
export class Rewriting {
  readonly #options: RewritingOptions;

  constructor(options: RewritingOptions) {
    this.#options = options;
  }

  async rewrite(viewer: Viewer, input: RewriteDraftInput): Promise<Draft> {
    const { access, newDrafts, places, random } = this.#options;
    const base = await access.own(viewer, input.draftId);
    const instruction = checkInstruction(input.instruction);
    const samplings = resolveAlternatives(input, random);
    const asked = askedOf(input);
    const repeated = asked && (await access.startedBy(viewer, asked));
    if (repeated) return repeated;
    checkUnchanged(base, requiredRevision(input));
    const range = rangeOf(base, input);
    if (base.kind === 'TUNE')
      throw new InvalidInputError('input.draftId is a tune: infill writes its bars anew', 'input.draftId');
    const around = aroundPassage(base.text, range, SHOWN);
    const { sequence: revision, kind, title, prompt, modelId } = base;
    const origin: DraftOrigin = {
      type: 'REWRITE',
      revision,
      ...range,
      ...around,
      instruction,
      tone: input.tone ?? null,
    };
    const texts = samplings.map((drawn): NewText => {
      const most = Math.max(drawn.maxTokens, MORE_TOKENS + Math.ceil((range.end - range.start) / 2));
      const sampling = input.sampling?.maxTokens == null ? { ...drawn, maxTokens: most } : drawn;
      const place = { instruction: null, from: 1, before: noUsage, model: places.digestOf(modelId) };
      const turn: Turn = { ...place, sampling, asked: null, at: null, verse: null, format: null, tune: null };
      const about = { kind, title, prompt, visibility: 'PRIVATE', modelId, parentId: base.id } as const;
      return { ...about, origin, turns: [turn], kept: NO_TEXT };
    });
    return newDrafts.begin(viewer, texts, asked);
  }

  async apply(viewer: Viewer, input: ApplyRewriteInput): Promise<Draft> {
    const { access, changing } = this.#options;
    const rewrite = await access.own(viewer, input.draftId);
    const asked = askedOf(input);
    const ifRevision = checkRevision(input.ifRevision);
    const { origin, parentId } = rewrite;
    if (origin?.type !== 'REWRITE')
      throw new InvalidInputError('input.draftId was not written by rewriteDraft', 'input.draftId');
    if (!isTerminal(rewrite.status))
      throw new ConflictError('The passage is still being written; cancel it or wait for its end');
    const text = fittedPassage(rewrite.text, origin);
    if (text === '') throw new ConflictError('The passage has no text');
    if (parentId === null) throw new NotFoundError('The draft that the passage was written for is gone', input.draftId);
    return changing.run(parentId, () => this.#put(viewer, parentId, text, { origin, asked, ifRevision }));
  }

  async #put(viewer: Viewer, baseId: string, text: string, { origin, asked, ifRevision }: Put): Promise<Draft> {
    const { access, texts } = this.#options;
    for (;;) {
      const base = await access.own(viewer, baseId);
      if (isRepeated(base, asked)) break;
      checkUnchanged(base, ifRevision);
      const range = await this.#rangeNow(base, origin);
      if (await texts.edit(base, { ...range, text }, asked)) break;
    }
    return access.load(viewer, baseId);
  }

  /** Where the passage is now. @throws ConflictError if it was changed, or what has changed is not known any more */
  async #rangeNow(base: DraftRecord, origin: RewriteOrigin): Promise<TextRange> {
    const entries = await this.#options.log.readAll(base.id, origin.revision);
    const known = base.sequence === origin.revision || entries[0]?.sequence === origin.revision + 1;
    const range = known
      ? rangeAfter(
          origin,
          entries.filter(({ sequence }) => sequence <= base.sequence),
        )
      : null;
    if (range && partOf(base.text, range) === origin.passage) return range;
    throw new ConflictError('The passage was changed after it was rewritten, so nothing was changed; rewrite it again');
  }
}

/** A position needs the revision in which it was meant. @throws InvalidInputError */
function requiredRevision({ ifRevision }: RewriteDraftInput): number {
  const revision = checkRevision(ifRevision);
  if (revision === null) throw new InvalidInputError('input.ifRevision is required', 'input.ifRevision');
  return revision;
}

/** @throws InvalidInputError */
function rangeOf({ text }: DraftRecord, { range, insertAt }: RewriteDraftInput): TextRange {
  const length = countCodePoints(text);
  const at = insertAt == null ? null : checkRange(insertAt, 'input.insertAt', 0, length);
  if (at !== null && range == null) return { start: at, end: at };
  if (range == null || at !== null) throw new InvalidInputError('input needs either range or insertAt', 'input.range');
  const start = checkRange(range.start, 'input.range.start', 0, length);
  const end = checkRange(range.end, 'input.range.end', start, Math.min(length, start + LONGEST));
  const trimmed = withoutSpace(text, { start, end });
  if (trimmed.start < trimmed.end) return trimmed;
  throw new InvalidInputError('input.range has no text; insertAt writes a new passage', 'input.range');
}
