import type { DraftEvent, Drafts, DraftStatus } from '../drafts/drafts.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { AssistReason } from './contract.ts';

/** How a draft has ended for who reads it. */
export type DraftsEnd = 'whole' | AssistReason;

/** A draft's text as far as it is written, for who writes it into a document. */
export class DraftText {
  readonly draftId: string;
  text = '';
  /** Null while it is written. */
  end: DraftsEnd | null = null;

  constructor(draftId: string) {
    this.draftId = draftId;
  }

  /** Reads it to its end, from its beginning. @param onChange called whenever there is more */
  async follow(drafts: Drafts, viewer: Viewer, signal: AbortSignal, onChange: () => void): Promise<void> {
    try {
      for await (const event of drafts.follow(viewer, this.draftId, null, { signal })) {
        this.#take(event);
        onChange();
      }
      if (!signal.aborted) this.end ??= 'MODEL_FAILED';
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      this.end = 'DRAFT_DELETED';
    } finally {
      onChange();
    }
  }

  #take(event: DraftEvent): void {
    if (event.type === 'tokens') this.text += event.text;
    if (event.type === 'status') this.end = endOf(event.status);
    if (event.type === 'snapshot') {
      this.text = event.draft.text;
      this.end = endOf(event.draft.status);
    }
  }
}

/** How drafts that are written together have ended: one that is whole suffices. Null while one of them is written. */
export function endOfAll(drafts: readonly DraftText[]): DraftsEnd | null {
  const ends = drafts.map(({ end }) => end);
  if (ends.includes(null)) return null;
  if (ends.includes('CANCELLED')) return 'CANCELLED';
  return ends.includes('whole') ? 'whole' : (ends[0] ?? 'MODEL_FAILED');
}

function endOf(status: DraftStatus): DraftsEnd | null {
  switch (status) {
    case 'QUEUED':
    case 'GENERATING':
      return null;
    case 'COMPLETED':
      return 'whole';
    case 'CANCELLED':
      return 'CANCELLED';
    case 'FAILED':
      return 'MODEL_FAILED';
  }
}
