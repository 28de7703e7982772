import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { CadenzaProvider, type ProviderStatus } from '../../../../../client/src/provider.ts';
import { type EncodedRange, encodedRange, type PendingSuggestion } from '../../../../../client/src/suggestions.ts';
import type { AssistInput, SharedDocumentQuery } from '../../../generated/graphql.ts';
import { connection } from '../../../server/follow.ts';
import { ask, Refused, succeeded } from '../../../server/request.ts';
import type { Range } from '../text.ts';
import { ASSIST, CANCEL_ASSIST, RENAME, RESTORE, SAVE_VERSION, SHARED, UNDO_ASSIST } from './operations.ts';
import { peopleIn, type Person } from './people.ts';

type Sheet = NonNullable<SharedDocumentQuery['document']>;

/** A document as it is at every moment, with whoever else is in it ([STUDIO9]). Closed by what `open` returns. */
export class LiveDocument {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText('text');
  readonly awareness = new Awareness(this.doc);
  readonly #provider: CadenzaProvider;
  readonly #id: string;

  status = $state<ProviderStatus>('connecting');
  /** Whether the text has been here: before, an empty page would be a lie. */
  isRead = $state(false);
  isSaved = $state(true);
  /** Whether there are things in the text that are no characters: positions in an editor of characters would be wrong. */
  isStrange = $state(false);
  /** The text as it is now. */
  written = $state('');
  people = $state.raw<readonly Person[]>([]);
  suggestions = $state.raw<readonly PendingSuggestion[]>([]);
  /** What Yjs does not have: title, role, members, names, what models have done. */
  sheet = $state.raw<Sheet | null>(null);
  problem = $state.raw<unknown>(null);

  constructor(id: string) {
    this.#id = id;
    this.#provider = new CadenzaProvider({
      ...connection(),
      ...{ documentId: id, doc: this.doc, awareness: this.awareness },
    });
  }

  /** Whether the text may be changed here. */
  get mayEdit(): boolean {
    return this.sheet?.role === 'OWNER' || this.sheet?.role === 'EDITOR';
  }

  get maySuggest(): boolean {
    return this.mayEdit || this.sheet?.role === 'SUGGESTER';
  }

  /** The models that write in it at the moment. */
  get writing(): readonly Person[] {
    return this.people.filter(({ writing }) => writing !== null);
  }

  /** @returns what closes it */
  open(): () => void {
    const provider = this.#provider;
    // A browser that knows that it has no network need not find out by silence.
    const cut = (): void => provider.disconnect();
    addEventListener('offline', cut);
    addEventListener('beforeunload', this.#warn);
    this.awareness.on('change', this.#met);
    this.doc.on('beforeObserverCalls', this.#changed);
    const stops = [
      provider.onStatus(this.#became),
      provider.onSaved((isSaved) => (this.isSaved = isSaved)),
      provider.suggestions.onChange(this.#listed),
    ];
    return () => {
      stops.forEach((stop) => stop());
      removeEventListener('offline', cut);
      this.awareness.setLocalState(null);
      void this.#leave();
    };
  }

  /** What was typed is sent first, when there is a connection again: who has gone to another page must not lose it. */
  async #leave(): Promise<void> {
    await this.#provider.whenSaved().catch(() => undefined);
    removeEventListener('beforeunload', this.#warn);
    await this.#provider.destroy();
    this.doc.destroy();
  }

  async read(): Promise<void> {
    try {
      const { viewer, document } = await ask(SHARED, { id: this.#id });
      if (!document) throw new Refused('NOT_FOUND', '');
      this.sheet = document;
      this.awareness.setLocalStateField('user', { name: viewer.displayName });
    } catch (error) {
      this.problem = error;
    }
  }

  /** A passage that stays where it is while others type. */
  passageAt({ start, end }: Range): EncodedRange {
    return encodedRange(this.doc, start, end);
  }

  /** @throws RequestError */
  async suggest(passage: EncodedRange, alternatives: readonly string[]): Promise<void> {
    await this.#provider.suggestions.suggestFor(passage, alternatives);
  }

  /** @param choice null rejects it. @throws RequestError */
  async decide(id: string, choice: number | null): Promise<void> {
    if (choice === null) await this.#provider.suggestions.reject(id);
    else await this.#provider.suggestions.accept(id, choice);
  }

  /** @throws Refused */
  async rename(title: string): Promise<void> {
    succeeded((await ask(RENAME, { id: this.#id, title })).renameDocument);
    await this.read();
  }

  /** Keeps what was typed up to now under a name. @throws Refused */
  async keepVersion(name: string): Promise<void> {
    await this.#provider.whenSaved();
    succeeded((await ask(SAVE_VERSION, { input: { documentId: this.#id, name } })).saveDocumentVersion);
    await this.read();
  }

  /** Makes the text what it was in a version. @throws Refused */
  async restore(versionId: string): Promise<void> {
    await this.#provider.whenSaved();
    succeeded((await ask(RESTORE, { id: versionId })).restoreDocumentVersion);
  }

  /** Lets a model write on behind a range, write it anew, or suggest. @throws Refused */
  async assist({ start, end }: Range, input: Omit<AssistInput, 'documentId' | 'range'>): Promise<void> {
    const range = this.passageAt({ start, end });
    await this.#provider.whenSaved();
    succeeded((await ask(ASSIST, { input: { documentId: this.#id, range, ...input } })).assist);
    await this.read();
  }

  /** @throws Refused */
  async stop(assistId: string): Promise<void> {
    succeeded((await ask(CANCEL_ASSIST, { id: assistId })).cancelAssist);
    await this.read();
  }

  /** Takes back what a model has written, and nothing else. @throws Refused */
  async takeBack(assistId: string): Promise<void> {
    succeeded((await ask(UNDO_ASSIST, { id: assistId })).undoAssist);
    await this.read();
  }

  readonly #became = (status: ProviderStatus): void => {
    this.status = status;
    this.problem = this.#provider.error;
    if (status !== 'connected') return;
    this.isRead = true;
    this.#listed();
    // A role may have changed, which ends the connection.
    void this.read();
  };

  readonly #met = (): void => {
    const before = this.writing.length;
    this.people = peopleIn(this.awareness);
    if (this.writing.length !== before) void this.read();
  };

  /** Names are asked for whenever there are others than before. */
  readonly #listed = (): void => {
    const before = new Set(this.suggestions.map(({ id }) => id));
    this.suggestions = this.#provider.suggestions.list();
    if (this.suggestions.some(({ id }) => !before.has(id))) void this.read();
  };

  readonly #changed = (): void => {
    this.written = this.text.toJSON();
    this.isStrange ||= this.written.length !== this.text.length;
  };

  readonly #warn = (event: BeforeUnloadEvent): void => {
    if (!this.#provider.isSaved) event.preventDefault();
  };
}
