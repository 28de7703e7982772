import type { DraftEvent, Drafts, DraftStatus } from '../drafts/drafts.ts';
import { NotFoundError } from '../lib/errors.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { AssistReason } from './contract.ts';

/** How a draft has ended for who reads it. */
type DraftEnd = 'whole' | AssistReason;

/** A draft's text as far as it is written, for who writes it into a document. */
export class DraftText {
  readonly draftId: string;
  text = '';
  /** Null while it is written. */
  end: DraftEnd | null = null;

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

function endOf(status: DraftStatus): DraftEnd | null {
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
