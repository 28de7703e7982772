import { randomInt, randomUUID } from 'node:crypto';
import type { Database } from '../../db/client.ts';
import { selectStored } from '../../db/documents/update-queries.ts';
import type { Clock } from '../../lib/clock.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../../lib/errors.ts';
import { checkExactText, checkLength } from '../../lib/text/check-text.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { DocumentAccess } from '../access.ts';
import {
  type ModelProposal,
  noSuchDocument,
  type Proposed,
  type SuggestInput,
  type SuggestionDecision,
  type TextDocument,
  type Within,
} from '../contract.ts';
import { MovedOnError, type Pushing } from '../pushing.ts';
import type { PendingSuggestion, SuggestionChange } from '../yjs/suggestions.ts';
import type { YjsThread } from '../yjs/yjs-thread.ts';

const MOST_ALTERNATIVES = 5;
const LONGEST = 4_000;

interface SuggestingOptions {
  database: Database;
  access: DocumentAccess;
  pushing: Pushing;
  yjs: YjsThread;
  clock: Clock;
}

/** Changes that are proposed in a document's own log, and decided by who edits it ([SUGGEST1], [SUGGEST2]). */
export class Suggesting {
  readonly #options: SuggestingOptions;

  constructor(options: SuggestingOptions) {
    this.#options = options;
  }

  async of(documentId: string): Promise<PendingSuggestion[]> {
    return this.#options.yjs.suggestions(await this.#stored(documentId));
  }

  async suggest(viewer: Viewer, { documentId, range, alternatives: given }: SuggestInput): Promise<PendingSuggestion> {
    const { access, yjs, clock } = this.#options;
    const field = 'input.alternatives';
    checkLength(given, field, MOST_ALTERNATIVES);
    if (given.length === 0) throw new InvalidInputError(`${field} must have one at least`, field);
    const alternatives = given.map((text, i) => checkExactText(text, `${field}.${i}`, { min: 0, max: LONGEST }));
    await access.suggestible(viewer, documentId);
    const id = randomUUID();
    const about = { id, author: viewer.listener.id, at: clock.now(), client: randomInt(1, 2 ** 32) };
    const refused = await this.#append(viewer, documentId, { suggests: true }, (stored) =>
      yjs.suggest(stored, { ...about, range, alternatives }, 'input.range'),
    );
    if (refused === 'full') throw tooMany();
    const found = (await this.of(documentId)).find((one) => one.id === id);
    if (!found) throw new NotFoundError('The suggestion was decided, or its passage deleted, in the meantime', id);
    return found;
  }

  async propose(viewer: Viewer, { documentId, ...proposal }: ModelProposal, within: Within): Promise<Proposed> {
    const { access, yjs, clock } = this.#options;
    await access.suggestible(viewer, documentId);
    const suggestion = { ...proposal, author: viewer.listener.id, at: clock.now() };
    const refused = await this.#append(viewer, documentId, { suggests: true, within }, (stored) =>
      yjs.suggest(stored, suggestion, 'kept'),
    );
    if (refused === 'full') throw tooMany();
    return refused ?? 'suggested';
  }

  async decide(
    viewer: Viewer,
    { documentId, suggestionId, choice }: SuggestionDecision,
    within?: Within,
  ): Promise<TextDocument> {
    const { access, yjs } = this.#options;
    await access.writable(viewer, documentId);
    await this.#append(viewer, documentId, { suggests: false, within }, async (stored) => {
      const change = await yjs.decide(stored, suggestionId, choice);
      if (change === 'choice') throw new InvalidInputError('input.choice is none of its alternatives', 'input.choice');
      if (!change) throw noSuchSuggestion(suggestionId);
      return change;
    });
    return access.readable(viewer, documentId);
  }

  /** Whoever comes second looks again, and finds it decided. @returns why there is nothing to append, or null */
  async #append<Refused extends string = never>(
    viewer: Viewer,
    documentId: string,
    { suggests, within }: { suggests: boolean; within?: Within | undefined },
    make: (stored: readonly Uint8Array[]) => Promise<SuggestionChange | Refused>,
  ): Promise<Refused | null> {
    for (;;) {
      const change = await make(await this.#stored(documentId));
      if (typeof change === 'string') return change;
      try {
        await this.#options.pushing.appendOwn(viewer, documentId, { ...change, suggests }, within);
        return null;
      } catch (error) {
        if (!(error instanceof MovedOnError)) throw error;
      }
    }
  }

  async #stored(documentId: string): Promise<readonly Uint8Array[]> {
    const stored = await selectStored(this.#options.database, documentId);
    if (!stored) throw noSuchDocument(documentId);
    return stored.parts;
  }
}

const tooMany = (): ConflictError =>
  new ConflictError('The document has 200 suggestions, which is all it may have: decide some');

const noSuchSuggestion = (id: string): NotFoundError =>
  new NotFoundError(
    'There is no such suggestion: it was decided, or its passage was deleted',
    id,
    'input.suggestionId',
  );
