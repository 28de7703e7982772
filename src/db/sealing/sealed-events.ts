import { StoredDataError } from '../../lib/stored-data.ts';
import { opened } from './sealed-values.ts';
import type { Sealer, Vault } from './vault.ts';

/** An event as JSON, or what the model has written: its text, and its tokens as `drafts/log` packs them. */
export type StoredEvent = { event: unknown; text: null; tokens: null } | { event: null; text: string; tokens: Buffer };

/**
 * Events of a draft as they are sealed, in the column of their tokens, whose text is empty: a version (2, where tokens
 * that are not sealed have 1), the number of tokens (2 bytes, which statements count), and the sealed content. That is
 * the JSON of one event, or the length of the text in bytes (4 bytes), the text and the tokens of a run.
 */
const SEALED = 2;
const HEADER = 3;
const [JSON_EVENT, RUN] = [0, 1];

/** A status has nothing that anybody has written, and statements read it. */
const isStatus = (event: unknown): boolean => typeOf(event) === 'status';

export function sealEvent(sealer: Sealer | null, event: StoredEvent, draftId: string, sequence: number): StoredEvent {
  if (!sealer || sealedTokens(event) || (event.tokens === null && isStatus(event.event))) return event;
  const bytes = sealer.seal(event.tokens ? runBytes(event) : jsonBytes(event.event), placeOf(draftId, sequence));
  return { event: null, text: '', tokens: Buffer.concat([countBytes(event), bytes]) };
}

export async function openEvent<Row extends StoredEvent & { sequence: number }>(
  vault: Vault,
  row: Row,
  draftId: string,
): Promise<Row> {
  const sealed = sealedTokens(row);
  if (!sealed) return row;
  const content = await opened(vault, sealed.subarray(HEADER), placeOf(draftId, row.sequence));
  return { ...row, ...contentOf(content, draftId) };
}

/** The text alone, as lists need it. `stored`: the sealed tokens. */
export async function openEventText(vault: Vault, stored: Buffer, draftId: string, sequence: number): Promise<string> {
  const content = await opened(vault, stored.subarray(HEADER), placeOf(draftId, sequence));
  if (content[0] === RUN) return content.toString('utf8', 5, 5 + content.readUInt32BE(1));
  const { text } = JSON.parse(content.toString('utf8', 1)) as { text?: string };
  return text ?? '';
}

const sealedTokens = ({ tokens }: StoredEvent): Buffer | null => (tokens?.[0] === SEALED ? tokens : null);

const placeOf = (draftId: string, sequence: number): string => `draft_events ${draftId} ${sequence}`;

const typeOf = (event: unknown): unknown =>
  typeof event === 'object' && event !== null && 'type' in event ? event.type : null;

function countBytes({ event, tokens }: StoredEvent): Buffer {
  if (tokens) return Buffer.of(SEALED, tokens[1] ?? 0, tokens[2] ?? 0);
  const listed = typeof event === 'object' && event !== null && 'tokens' in event ? event.tokens : null;
  const count = Array.isArray(listed) ? Math.min(listed.length, 0xffff) : 0;
  return Buffer.of(SEALED, count & 0xff, count >> 8);
}

const jsonBytes = (event: unknown): Buffer =>
  Buffer.concat([Buffer.of(JSON_EVENT), Buffer.from(JSON.stringify(event))]);

function runBytes({ text, tokens }: { text: string; tokens: Buffer }): Buffer {
  const written = Buffer.from(text);
  const length = Buffer.alloc(5);
  length[0] = RUN;
  length.writeUInt32BE(written.length, 1);
  return Buffer.concat([length, written, tokens]);
}

function contentOf(content: Buffer, draftId: string): StoredEvent {
  if (content[0] === JSON_EVENT) {
    return { event: JSON.parse(content.toString('utf8', 1)) as unknown, text: null, tokens: null };
  }
  if (content[0] !== RUN) throw new StoredDataError(`the log of draft ${draftId} is of another version`);
  const end = 5 + content.readUInt32BE(1);
  return { event: null, text: content.toString('utf8', 5, end), tokens: content.subarray(end) };
}
