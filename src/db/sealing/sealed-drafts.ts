import { openEventText } from './sealed-events.ts';
import { nullIfDestroyed, openFields, openText, openTexts, sealFields, sealText, sealTexts } from './sealed-values.ts';
import type { Sealer, Vault } from './vault.ts';

/** Fields of a turn that statements read. */
const CLEAR_OF_TURN = ['type', 'from', 'before'];
/** Fields of a sampling that statements read. */
const CLEAR_OF_SAMPLING = ['maxTokens'];

const placeOf = (draftId: string, column: string): string => `drafts ${draftId} ${column}`;

/** The columns of a draft that people write into. */
interface WrittenColumns {
  title: string;
  prompt: string;
  sampling: unknown;
  turns: unknown;
  origin: unknown;
  texts: readonly string[] | null;
}

type Changes = Partial<WrittenColumns> & { inputDigest?: string | null };

/** What people have written into columns of a draft's row, sealed. Other columns stay as they are. */
export function sealChanges<Change extends Changes>(sealer: Sealer | null, changes: Change, draftId: string): Change {
  if (!sealer) return changes;
  const { title, prompt, sampling, turns, origin, texts, inputDigest } = changes;
  const of = (column: string) => placeOf(draftId, column);
  return {
    ...changes,
    ...(title !== undefined && { title: sealText(sealer, title, of('title')) }),
    ...(prompt !== undefined && { prompt: sealText(sealer, prompt, of('prompt')) }),
    ...(isObject(sampling) && { sampling: sealFields(sealer, sampling, CLEAR_OF_SAMPLING, of('sampling')) }),
    ...(Array.isArray(turns) && { turns: turns.map((turn) => sealTurn(sealer, turn, of('turns'))) }),
    ...(isObject(origin) && { origin: sealFields(sealer, origin, [], of('origin')) }),
    ...(texts && { texts: sealTexts(sealer, texts, of('texts')) }),
    ...(inputDigest && { inputDigest: sealText(sealer, inputDigest, of('input_digest')) }),
  };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const sealTurn = (sealer: Sealer, turn: unknown, of: string): unknown =>
  isObject(turn) ? sealFields(sealer, turn, CLEAR_OF_TURN, of) : turn;

/** A row as it is stored. */
interface StoredDraft extends WrittenColumns {
  id: string;
  textsBefore: number | null;
  /** The events whose text is not in `texts`: see `writtenText`. */
  written: Buffer | null;
}

/** A row as it was written, with its whole text. */
type OpenDraft<Row extends StoredDraft> = Omit<Row, 'written'> & { text: string };

/** The rows as they were written. Those whose listener was erased meanwhile are left out. */
export async function openDrafts<Row extends StoredDraft>(
  vault: Vault,
  rows: readonly Row[],
): Promise<OpenDraft<Row>[]> {
  const drafts = await Promise.all(rows.map((row) => openDraft(vault, row).catch(nullIfDestroyed)));
  return drafts.filter((draft) => draft !== null);
}

async function openDraft<Row extends StoredDraft>(vault: Vault, { written, ...row }: Row): Promise<OpenDraft<Row>> {
  const { id } = row;
  const of = (column: string) => placeOf(id, column);
  const turns = Array.isArray(row.turns)
    ? await Promise.all(row.turns.map((turn) => openFields(vault, turn, of('turns'))))
    : row.turns;
  const kept: readonly string[] | null = row.texts;
  const texts = kept && (await openTexts(vault, kept, of('texts')));
  const first = row.textsBefore ?? texts?.length ?? 0;
  const text = [
    ...(texts?.slice(0, first) ?? []),
    await writtenText(vault, written, id),
    ...(texts?.slice(first) ?? []),
  ];
  return {
    ...row,
    title: await openText(vault, row.title, of('title')),
    prompt: await openText(vault, row.prompt, of('prompt')),
    sampling: await openFields(vault, row.sampling, of('sampling')),
    origin: await openFields(vault, row.origin, of('origin')),
    turns,
    texts,
    text: text.join(''),
  };
}

export const openDigest = (vault: Vault, stored: string, draftId: string): Promise<string> =>
  openText(vault, stored, placeOf(draftId, 'input_digest'));

/** Events as `written` of a row has them: sequence number, 1 for a text or 0 for sealed tokens, length, bytes. */
async function writtenText(vault: Vault, written: Buffer | null, draftId: string): Promise<string> {
  const texts: Promise<string>[] = [];
  for (let at = 0; written && at < written.length;) {
    const [sequence, isText, length] = [
      written.readInt32BE(at),
      written.readInt32BE(at + 4),
      written.readInt32BE(at + 8),
    ];
    const bytes = written.subarray(at + 12, at + 12 + length);
    texts.push(isText ? Promise.resolve(bytes.toString()) : openEventText(vault, bytes, draftId, sequence));
    at += 12 + length;
  }
  return (await Promise.all(texts)).join('');
}
