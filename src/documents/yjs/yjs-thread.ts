import { CadenzaError, InvalidInputError } from '../../lib/errors.ts';
import { JobThread } from '../../lib/threads/job-thread.ts';
import { startWorker } from '../../lib/threads/worker.ts';
import type { AnchoredRange, DeltaPiece, EncodedRange } from './anchors.ts';
import type { StoredState } from './document-state.ts';
import type { DocumentFormat } from './export-text.ts';
import type { Inspected } from './inspect-update.ts';
import type { ReplicaJob, ReplicaResult } from './replicas.ts';
import type { ModelSuggestion, NewSuggestion, NotAdded, PendingSuggestion, SuggestionChange } from './suggestions.ts';
import type { YjsJob, YjsResult } from './yjs-worker.ts';

const MOST_MS = 5_000;
const MOST_MEMORY_MB = 512;

export interface EncodedState {
  /** The document, or what somebody lacks of it. */
  update: Uint8Array;
  stateVector: Uint8Array;
}

/**
 * Everything that decodes what strangers have sent. Updates are inspected on a thread of their own, so that nobody's
 * typing waits while another one's document is read.
 */
export class YjsThread implements AsyncDisposable {
  readonly #inspecting = thread();
  readonly #reading = thread();
  /** Keeps documents open that are written into. */
  readonly #writing = thread();

  /** @throws InvalidInputError that names the update, as an entry of `field` */
  async inspect(updates: readonly Uint8Array[], field: string): Promise<Inspected[]> {
    const result = await this.#inspecting.run({ type: 'inspect', updates: updates.map(ownBuffer) });
    if (result.type === 'inspect') return result.inspected;
    const at = result.type === 'refused' ? `${field}.${result.index}` : field;
    const reason = result.type === 'refused' ? result.reason : 'cannot be read';
    throw new InvalidInputError(`${at} ${reason}`, at);
  }

  create(text: string): Promise<EncodedState> {
    return this.#state({ type: 'create', text });
  }

  /** The document as one update, or what a client with this state vector lacks of it. */
  async state(stored: StoredState, stateVector: Uint8Array | null, field: string): Promise<EncodedState> {
    const own = stateVector && ownBuffer(stateVector);
    return this.#state({ type: 'state', stored: stored.map(ownBuffer), stateVector: own }).catch((error: unknown) => {
      // The document itself was read before: what cannot be read is what the client sent.
      throw own && !(error instanceof CadenzaError) ? notAStateVector(field) : error;
    });
  }

  async text(stored: StoredState, format: DocumentFormat): Promise<string> {
    const result = await this.#reading.run({ type: 'text', stored: stored.map(ownBuffer), format });
    return result.type === 'text' ? result.text : unexpected(result);
  }

  /** What makes the document what it was in this version. */
  async restore(stored: StoredState, version: Uint8Array): Promise<Uint8Array> {
    return (await this.#state({ type: 'restore', stored: stored.map(ownBuffer), version: ownBuffer(version) })).update;
  }

  /** @throws InvalidInputError that names an end of the range, as a part of `field` */
  async anchor(stored: StoredState, range: EncodedRange | null, field: string): Promise<AnchoredRange> {
    const own = range && ownRange(range);
    const result = await this.#reading.run({ type: 'anchor', stored: stored.map(ownBuffer), range: own });
    if (result.type === 'anchor') return result.anchored;
    if (result.type !== 'badRange') return unexpected(result);
    throw new InvalidInputError(`${field}.${result.end} ${result.reason}`, `${field}.${result.end}`);
  }

  /** What takes back what a client has written, and puts back what it has deleted. Null for nothing. */
  async undo(stored: StoredState, client: number, restore: readonly DeltaPiece[]): Promise<Uint8Array | null> {
    const result = await this.#reading.run({ type: 'undo', client, restore, stored: stored.map(ownBuffer) });
    return result.type === 'undo' ? result.update : unexpected(result);
  }

  async suggestions(stored: StoredState): Promise<PendingSuggestion[]> {
    const result = await this.#reading.run({ type: 'suggestions', stored: stored.map(ownBuffer) });
    return result.type === 'suggestions' ? result.suggestions : unexpected(result);
  }

  /** @throws InvalidInputError that names an end of `field` */
  async suggest(
    stored: StoredState,
    suggestion: NewSuggestion | ModelSuggestion,
    field: string,
  ): Promise<SuggestionChange | NotAdded> {
    const own = 'range' in suggestion ? { ...suggestion, range: ownRange(suggestion.range) } : suggestion;
    const result = await this.#reading.run({ type: 'suggest', stored: stored.map(ownBuffer), suggestion: own });
    if (result.type === 'suggest') return result.change;
    if (result.type !== 'badRange') return unexpected(result);
    throw new InvalidInputError(`${field}.${result.end} ${result.reason}`, `${field}.${result.end}`);
  }

  /** Null if there is no such suggestion; 'choice' if it has no such alternative. */
  async decide(stored: StoredState, id: string, choice: number | null): Promise<SuggestionChange | 'choice' | null> {
    const result = await this.#reading.run({ type: 'decide', stored: stored.map(ownBuffer), id, choice });
    return result.type === 'decide' ? result.change : unexpected(result);
  }

  async replica({ stored, updates, ...job }: ReplicaJob): Promise<ReplicaResult> {
    const own = { stored: stored && stored.map(ownBuffer), updates: updates.map(ownBuffer) };
    const result = await this.#writing.run({ type: 'replica', ...job, ...own });
    return result.type === 'replica' ? result.result : unexpected(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = [this.#inspecting, this.#reading, this.#writing];
    await Promise.all(threads.map((one) => one[Symbol.asyncDispose]()));
  }

  async #state(job: YjsJob): Promise<EncodedState> {
    const result = await this.#reading.run(job);
    return result.type === 'state' ? result : unexpected(result);
  }
}

function thread(): JobThread<YjsJob, YjsResult> {
  return new JobThread({
    start: () =>
      startWorker(import.meta.url, './yjs-worker', { resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB } }),
    mostJobs: 256,
    mostMs: MOST_MS,
    // Where everything is compiled at every start, loading takes long.
    mostFirstMs: 60_000,
    idleMs: 60_000,
    tooMany: 'too many documents are being read',
    tooLong: 'the document takes too long to read at the moment',
    failed: 'the document cannot be read',
    retryAfterMs: 1_000,
  });
}

/** Sending a part of a buffer to a thread would send all of it, and Yjs would read beyond the part. */
const ownBuffer = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

const ownRange = ({ start, end }: EncodedRange): EncodedRange => ({ start: ownBuffer(start), end: ownBuffer(end) });

const notAStateVector = (field: string): InvalidInputError =>
  new InvalidInputError(`${field} is not a state vector of Yjs`, field);

const unexpected = (result: YjsResult): never => {
  throw new Error(`the thread has answered with ${result.type}`);
};
