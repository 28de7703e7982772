import { z } from 'zod';
import type { Database } from '../../../db/client.ts';
import { opened } from '../../../db/sealing/sealed-values.ts';
import { KeyDestroyedError, type Vault } from '../../../db/sealing/vault.ts';
import { parseStored, parseStoredJson } from '../../../lib/stored-data.ts';
import type { FeedOptions, Kept } from '../../../nats/subject-feed.ts';
import { SubjectLog, type SubjectLogOptions } from '../../../nats/subject-log.ts';

const WHAT = 'a message of a draft’s log';

/** What every message of a log has. */
interface Message {
  epoch: number;
  sequence: number;
  events: readonly unknown[];
}

/** A message in the stream: its events as they are, or sealed in base64. */
const wireMessage = z.object({
  epoch: z.int().nonnegative(),
  sequence: z.int().nonnegative(),
  follows: z.unknown().optional(),
  events: z.unknown().optional(),
  sealed: z.string().optional(),
  at: z.unknown().optional(),
});
type WireMessage = z.output<typeof wireMessage>;

export type SealedMessagesOptions<Data> = Omit<SubjectLogOptions<unknown>, 'decode'> & {
  database: Database;
  /** Of a message whose events are open. */
  shape: z.ZodType<Data>;
};

/** The messages of the drafts' logs in JetStream, of which what anybody has written is encrypted ([SEAL1]). */
export class SealedMessages<Data extends Message> implements AsyncDisposable {
  readonly #stream: SubjectLog<WireMessage>;
  readonly #vault: Vault;
  readonly #shape: z.ZodType<Data>;

  private constructor(stream: SubjectLog<WireMessage>, vault: Vault, shape: z.ZodType<Data>) {
    this.#stream = stream;
    this.#vault = vault;
    this.#shape = shape;
  }

  /** @throws StartupError */
  static async open<Data extends Message>({
    database,
    shape,
    ...nats
  }: SealedMessagesOptions<Data>): Promise<SealedMessages<Data>> {
    const decode = (json: string) => parseStoredJson(wireMessage, json, WHAT);
    return new SealedMessages(await SubjectLog.open({ ...nats, decode }), database.vault, shape);
  }

  /** Like `SubjectLog.append`. */
  async append(draftId: string, data: Data, options: { after: number; id: string }): Promise<number> {
    return this.#stream.append(draftId, await this.#sealed(draftId, data), options);
  }

  async last(draftId: string): Promise<Kept<Data> | null> {
    const message = await this.#stream.last(draftId);
    return message && this.#opened(draftId, message);
  }

  lastSequence(draftId: string): Promise<number> {
    return this.#stream.lastSequence(draftId);
  }

  async range(draftId: string, from: number, to: number, most: number): Promise<Kept<Data>[]> {
    const messages = await this.#stream.range(draftId, from, to, most);
    const found = await Promise.all(messages.map((message) => this.#opened(draftId, message)));
    return found.filter((message) => message !== null);
  }

  /** Like `SubjectLog.follow`. It also ends where a message needs a key that is not in memory. */
  async follow(
    draftId: string,
    from: number,
    { onMessage, onEnd }: Pick<FeedOptions<Data>, 'onMessage' | 'onEnd'>,
  ): Promise<{ stop: () => void }> {
    let isOver = false;
    const feed = this.#stream.follow(draftId, from, {
      onMessage: (message, pending) => {
        if (isOver) return;
        const data = this.#openNow(draftId, message.data);
        if (data) {
          onMessage({ ...message, data }, pending);
          return;
        }
        isOver = true;
        void feed.then((following) => following.stop()).catch(() => undefined);
        onEnd();
      },
      onEnd,
    });
    const following = await feed;
    return { stop: () => following.stop() };
  }

  purge(draftId: string, upTo: number): Promise<void> {
    return this.#stream.purge(draftId, upTo);
  }

  removeAll(): Promise<void> {
    return this.#stream.removeAll();
  }

  answersWithin(ms: number): Promise<boolean> {
    return this.#stream.answersWithin(ms);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stream[Symbol.asyncDispose]();
  }

  async #sealed(draftId: string, { events, ...message }: Data): Promise<WireMessage> {
    const wire = { follows: null, at: null, ...message };
    const sealer = events.length > 0 ? await this.#vault.sealerOfDraft(draftId) : null;
    if (!sealer) return { ...wire, events };
    const sealed = sealer.seal(JSON.stringify(events), placeOf(draftId, message)).toString('base64');
    return { ...wire, events: [], sealed };
  }

  /** Null if the listener was erased meanwhile: the log is as good as gone. */
  async #opened(draftId: string, { streamSequence, data }: Kept<WireMessage>): Promise<Kept<Data> | null> {
    const { sealed } = data;
    try {
      const json =
        sealed === undefined ? null : await opened(this.#vault, Buffer.from(sealed, 'base64'), placeOf(draftId, data));
      return { streamSequence, data: this.#parsed(data, json) };
    } catch (error) {
      if (error instanceof KeyDestroyedError) return null;
      throw error;
    }
  }

  #openNow(draftId: string, data: WireMessage): Data | null {
    if (data.sealed === undefined) return this.#parsed(data, null);
    const json = this.#vault.openNow(Buffer.from(data.sealed, 'base64'), placeOf(draftId, data));
    return json && this.#parsed(data, json);
  }

  /** @throws StoredDataError */
  #parsed(data: WireMessage, json: Buffer | null): Data {
    const events = json ? (JSON.parse(json.toString()) as unknown) : data.events;
    return parseStored(this.#shape, { ...data, events }, WHAT);
  }
}

const placeOf = (draftId: string, { epoch, sequence }: Pick<Message, 'epoch' | 'sequence'>): string =>
  `draft log ${draftId} ${epoch} ${sequence}`;
