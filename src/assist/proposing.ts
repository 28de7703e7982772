import type { DocumentPeer, KeptPassage } from '../documents/documents.ts';
import { peerPlaceOf } from './asked-for.ts';
import type { Assist, AssistReason } from './contract.ts';
import type { DraftText } from './draft-text.ts';
import { type Odds, oddsOf } from './odds.ts';
import { placedText } from './placed-text.ts';
import { type AssistWork, OverError, patiently, type ShownWork, storeEnd, type WorkOptions } from './work.ts';

interface Alternative {
  text: string;
  seed: number;
  odds: Odds;
}

/** Suggests drafts when they are whole, as one change that changes no text ([ASSIST7]). */
export class Proposing implements AssistWork {
  readonly #options: WorkOptions;
  /** Sees whether the range is still there, and writes nothing. */
  readonly #peer: DocumentPeer;

  constructor(options: WorkOptions) {
    this.#options = options;
    const { assist, documents, viewer } = options;
    this.#peer = documents.peer(viewer, assist.documentId);
  }

  async goOn([draft]: readonly DraftText[]): Promise<ShownWork | null> {
    const { assist } = this.#options;
    const nothing = { ...peerPlaceOf(assist), text: '', also: null, always: false };
    const { isGone, caret } = await this.#patiently(() => this.#peer.write(nothing));
    return isGone ? null : { caret, tail: placedText(assist.asked, draft?.text ?? '', true) };
  }

  async finish(drafts: readonly DraftText[]): Promise<boolean> {
    const { documents, viewer, assist } = this.#options;
    const { documentId, clientId: client, id, asked } = assist;
    const alternatives = await this.#alternativesOf(drafts);
    if (alternatives.length === 0) {
      await this.leave('MODEL_FAILED');
      return true;
    }
    const by = {
      model: asked.modelId,
      seeds: alternatives.map(({ seed }) => seed),
      odds: alternatives.map(({ odds }) => odds),
    };
    const texts = alternatives.map(({ text }) => text);
    const proposal = { documentId, id, client, kept: keptOf(assist), alternatives: texts, by };
    const proposed = await this.#patiently(() =>
      documents.propose(viewer, proposal, (tx) => storeEnd(tx, this.#options, 'whole')),
    );
    if (proposed === 'known') throw new OverError();
    return proposed === 'suggested';
  }

  leave(reason: AssistReason): Promise<void> {
    return this.#patiently(() => storeEnd(this.#options.database.sql, this.#options, reason));
  }

  async abandon(reason: AssistReason): Promise<void> {
    await storeEnd(this.#options.database.sql, this.#options, reason).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }

  /** Those that are whole, each once. */
  async #alternativesOf(drafts: readonly DraftText[]): Promise<Alternative[]> {
    const { asked } = this.#options.assist;
    const found = new Map<string, Alternative>();
    for (const [index, { draftId, end, text: written }] of drafts.entries()) {
      const text = placedText(asked, written, true);
      if (end !== 'whole' || text === '' || found.has(text)) continue;
      const odds = await this.#patiently(() => oddsOf(this.#options, draftId, text));
      found.set(text, { text, seed: asked.samplings[index]?.seed ?? 0, odds });
    }
    return [...found.values()];
  }

  #patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
    return patiently(this.#options, 'nothing can be suggested in a document', attempt);
  }
}

/** What is written anew goes when its suggestion is accepted; behind all else, something comes. */
function keptOf({ asked: { task, range, place, removal, passage } }: Assist): KeptPassage {
  if (task === 'REWRITE' && range) return { ...range, place, removal, passage };
  return { start: place, end: place, place, removal: null, passage: '' };
}
