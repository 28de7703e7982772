import { randomUUID } from 'node:crypto';
import { NotFoundError } from '../../lib/errors.ts';
import { payerOf, unlessErased, type Viewer } from '../../listeners/listeners.ts';
import type { Draft } from '../contract.ts';
import type { BegunDraft, DraftLog } from '../log/draft-log.ts';
import type { Repetition } from '../log/log-events.ts';
import { lastTurn, type TurnHistory } from '../log/stored.ts';
import { joined, keptPassages, type KeptText } from '../text/passages.ts';
import { noUsage } from '../turns/draft-writer.ts';
import { opening } from '../turns/turn-events.ts';
import { requestOf } from '../turns/turn-request.ts';
import type { DraftAccess } from './access.ts';
import type { Places, PlannedTurn } from './places.ts';

/** A draft that is to be started: its last turn is to be written, after the text that it has. */
export interface NewText extends Pick<
  Draft,
  'kind' | 'title' | 'prompt' | 'visibility' | 'modelId' | 'parentId' | 'origin'
> {
  turns: TurnHistory;
  kept: KeptText;
}

interface NewDraftsOptions {
  access: DraftAccess;
  places: Places;
  log: DraftLog;
}

/** Stores new drafts and begins to write them. Alternatives are stored together or not at all ([ALT1]). */
export class NewDrafts {
  readonly #options: NewDraftsOptions;

  constructor(options: NewDraftsOptions) {
    this.#options = options;
  }

  /**
   * @param store what is stored before the drafts are. What it throws starts nothing
   * @returns the first of them, or the draft that was started by the same request before
   */
  async begin(
    viewer: Viewer,
    texts: readonly NewText[],
    asked: Repetition | null,
    store?: (planned: readonly PlannedTurn[]) => Promise<void>,
  ): Promise<Draft> {
    const { access, places, log } = this.#options;
    const groupId = texts.length > 1 ? randomUUID() : null;
    const rows = texts.map((text, i) =>
      this.#rowOf(viewer, text, {
        ...{ groupId, alternative: groupId && i + 1 },
        // One of them remembers the request for all.
        ...{ idempotencyKey: (i === 0 && asked?.key) || null, inputDigest: (i === 0 && asked?.input) || null },
      }),
    );
    const planned = await Promise.all(texts.map((text, i) => plannedTurn(viewer, text, rows[i]?.draft.id ?? '')));
    const begun = await places.begin(viewer, planned, async () => {
      await store?.(planned);
      const made = await unlessErased(log.create(rows)).catch((error: unknown) => this.#explain(viewer, texts, error));
      return made
        ? rows.map(({ draft: { id }, events }) => ({ draftId: id, epoch: 1, sequence: events.length }))
        : null;
    });
    const first = begun ? null : asked && (await access.startedBy(viewer, asked));
    return first ?? access.load(viewer, rows[0]?.draft.id ?? '');
  }

  /** A row that it refers to is missing: the listener's or, if it was deleted at the same moment, the parent's. */
  async #explain(viewer: Viewer, [first]: readonly NewText[], error: unknown): Promise<never> {
    if (first?.parentId != null && error instanceof NotFoundError)
      await this.#options.access.readable(viewer, first.parentId);
    throw error;
  }

  #rowOf(viewer: Viewer, { kept, ...text }: NewText, as: GroupMember): BegunDraft {
    const turn = lastTurn(text);
    const { sampling } = turn;
    const id = randomUUID();
    const who = { listenerId: viewer.listener.id, ...payerOf(viewer) };
    const draft = { id, ...who, ...text, ...kept, sampling, usage: noUsage, ...as };
    const events = opening(turn, joined(keptPassages(kept).before));
    return { draft: { ...draft, ...this.#options.places.bounds(viewer, text.modelId) }, events };
  }
}

type GroupMember = Pick<BegunDraft['draft'], 'groupId' | 'alternative' | 'idempotencyKey' | 'inputDigest'>;

async function plannedTurn(viewer: Viewer, text: NewText, draftId: string): Promise<PlannedTurn> {
  const asking = await requestOf(text, text.kept);
  const request = { ...asking, listener: viewer.listener.id };
  return { draftId, modelId: text.modelId, request, before: noUsage, at: null, followedBy: '' };
}
