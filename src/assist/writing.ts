import type { DocumentPeer } from '../documents/documents.ts';
import { peerPlaceOf } from './asked-for.ts';
import type { AssistReason } from './contract.ts';
import type { DraftsEnd, DraftText } from './draft-text.ts';
import { placedText } from './placed-text.ts';
import { type AssistWork, patiently, type ShownWork, storeEnd, type WorkOptions } from './work.ts';

/** Writes a draft into the text of a document, word by word ([ASSIST1], [ASSIST3]). */
export class Writing implements AssistWork {
  readonly #options: WorkOptions;
  readonly #peer: DocumentPeer;

  constructor(options: WorkOptions) {
    this.#options = options;
    const { assist, documents, viewer } = options;
    this.#peer = documents.peer(viewer, assist.documentId);
  }

  async goOn([draft]: readonly DraftText[]): Promise<ShownWork | null> {
    const { asked } = this.#options.assist;
    const text = draft?.text ?? '';
    const placed = placedText(asked, text, false);
    const { isGone, caret } = await this.#write({ text: placed, also: null, always: false });
    return isGone ? null : { caret, tail: placedText(asked, text, true).slice(placed.length) };
  }

  async finish([draft]: readonly DraftText[]): Promise<boolean> {
    const text = placedText(this.#options.assist.asked, draft?.text ?? '', true);
    if (text === '') {
      await this.leave('MODEL_FAILED');
      return true;
    }
    const also = this.#replaces() ? 'remove' : null;
    return !(await this.#write({ text, also, always: false }, 'whole')).isGone;
  }

  /** A passage that was not written anew whole stays, and what was written of it does not. */
  async leave(reason: AssistReason): Promise<void> {
    await this.#write(this.#nothing(), reason);
  }

  /** Half of a passage must not stay, even if who asked for it may write no more. */
  async abandon(reason: AssistReason): Promise<void> {
    const { database, documents, assist, viewer } = this.#options;
    await using own = documents.peer({ ...viewer, roles: new Set(['ADMIN']) }, assist.documentId);
    await own
      .write({ ...peerPlaceOf(assist), ...this.#nothing() }, (tx) => storeEnd(tx, this.#options, reason))
      .catch(() => storeEnd(database.sql, this.#options, reason).catch(() => undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }

  #replaces(): boolean {
    const { asked } = this.#options.assist;
    return asked.task === 'REWRITE' && asked.removal !== null;
  }

  #nothing() {
    return { text: '', also: this.#replaces() ? 'takeBack' : null, always: true } as const;
  }

  /** @param end stored with it, if it is the end */
  #write(what: { text: string; also: 'remove' | 'takeBack' | null; always: boolean }, end?: DraftsEnd) {
    const within = end && ((tx: Parameters<typeof storeEnd>[0]) => storeEnd(tx, this.#options, end));
    return patiently(this.#options, 'a document cannot be written', () =>
      this.#peer.write({ ...peerPlaceOf(this.#options.assist), ...what }, within),
    );
  }
}
