import { joined, keptPassages } from '../../text/passages.ts';
import { edited } from '../edits.ts';
import { isTerminal, isWritten, type LogEntry, statusAfter } from '../log-events.ts';
import { type DraftRecord, lastTurn } from '../stored.ts';

/** A draft, brought up to date from its row with the entries of a log that is stored elsewhere. */
export class FoldedDraft {
  #draft: DraftRecord;
  /** What was written since the last change by a person. */
  #written = '';
  /** Tokens of all turns of the model. */
  #tokens: number;

  constructor(draft: DraftRecord) {
    this.#draft = draft;
    this.#tokens = lastTurn(draft).before.completionTokens;
  }

  /** @param at when it was appended */
  add({ sequence, event }: LogEntry, at: Date): void {
    if (sequence <= this.#draft.textsUntil) return;
    if (isWritten(event)) {
      this.#written += event.text;
      this.#tokens += event.tokens.length;
      this.#draft = { ...this.#draft, sequence, updatedAt: at };
    } else if (event.type === 'edit') {
      const before = this.#withText();
      this.#written = '';
      this.#draft = { ...before, ...edited({ ...before, sequence: sequence - 1 }, event), updatedAt: at };
    } else this.#draft = { ...this.#draft, ...statusAfter([event]), sequence, updatedAt: at };
  }

  get now(): DraftRecord {
    const draft = this.#withText();
    // The model reports a turn's usage at its end.
    if (isTerminal(draft.status)) return draft;
    return { ...draft, usage: { ...draft.usage, completionTokens: this.#tokens } };
  }

  #withText(): DraftRecord {
    const { before, after } = keptPassages(this.#draft);
    return { ...this.#draft, text: joined(before) + this.#written + joined(after) };
  }
}
