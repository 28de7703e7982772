import { createHash } from 'node:crypto';
import { nullIfDestroyed, opened, openFields, openText, sealFields, sealText } from './sealed-values.ts';
import type { Sealer, Vault } from './vault.ts';

/**
 * Begins bytes of a document that are sealed. As an update of Yjs it would begin with changes of two million clients,
 * which no document has room for.
 */
const MARK = Buffer.of(0xff, 0xff, 0xff);

const isSealed = (stored: Buffer): boolean => stored.subarray(0, MARK.length).equals(MARK);

function sealBytes(sealer: Sealer | null, bytes: Uint8Array, of: string): Buffer {
  return sealer ? Buffer.concat([MARK, sealer.seal(bytes, of)]) : Buffer.from(bytes);
}

const openBytes = async (vault: Vault, stored: Buffer, of: string): Promise<Buffer> =>
  isSealed(stored) ? opened(vault, stored.subarray(MARK.length), of) : stored;

const documentPlace = (id: string, column: string): string => `documents ${id} ${column}`;
const updatePlace = (id: string, sequence: number): string => `document_updates ${id} ${sequence}`;
const versionPlace = (id: string, column: string): string => `document_versions ${id} ${column}`;
const presencePlace = (id: string, clientId: number): string => `document_presence ${id} ${clientId}`;

export const sealTitle = (sealer: Sealer | null, title: string, documentId: string): string =>
  sealText(sealer, title, documentPlace(documentId, 'title'));

/** The rows as they were written. Those whose owner was erased meanwhile are left out. */
export async function openTitles<Row extends { id: string; title: string }>(
  vault: Vault,
  rows: readonly Row[],
): Promise<Row[]> {
  return present(
    rows.map(async (row) => ({ ...row, title: await openText(vault, row.title, documentPlace(row.id, 'title')) })),
  );
}

export const sealSnapshot = (sealer: Sealer | null, snapshot: Uint8Array, documentId: string): Buffer =>
  sealBytes(sealer, snapshot, documentPlace(documentId, 'snapshot'));

/** Null if the owner was erased meanwhile. */
export const openSnapshot = (vault: Vault, stored: Buffer, documentId: string): Promise<Buffer | null> =>
  openBytes(vault, stored, documentPlace(documentId, 'snapshot')).catch(nullIfDestroyed);

export const sealUpdate = (sealer: Sealer | null, update: Uint8Array, documentId: string, sequence: number): Buffer =>
  sealBytes(sealer, update, updatePlace(documentId, sequence));

/** The rows as they were written; null if the owner was erased meanwhile. */
export function openUpdates<Row extends { sequence: number; update: Buffer }>(
  vault: Vault,
  rows: readonly Row[],
  documentId: string,
): Promise<Row[] | null> {
  const open = async (row: Row): Promise<Row> => {
    return { ...row, update: await openBytes(vault, row.update, updatePlace(documentId, row.sequence)) };
  };
  return Promise.all(rows.map(open)).catch(nullIfDestroyed);
}

/** All that a document consists of: its snapshot, which is number 0, and updates. Null if the owner was erased meanwhile. */
export function openParts(
  vault: Vault,
  parts: readonly { number: number; part: Buffer }[],
  documentId: string,
): Promise<Buffer[] | null> {
  const place = (number: number) =>
    number === 0 ? documentPlace(documentId, 'snapshot') : updatePlace(documentId, number);
  return Promise.all(parts.map(({ number, part }) => openBytes(vault, part, place(number)))).catch(nullIfDestroyed);
}

const DIGEST_BYTES = 16;

/** By which a repetition is known. Who has no key cannot try out which few letters somebody has typed. */
export function digestOfUpdate(sealer: Sealer | null, update: Uint8Array, documentId: string): Buffer {
  const digest = sealer?.digest(update, `digest of ${documentId}`) ?? createHash('sha256').update(update).digest();
  return digest.subarray(0, DIGEST_BYTES);
}

interface WrittenVersion {
  name: string;
  state: Uint8Array;
}

export const sealVersion = (sealer: Sealer | null, { name, state }: WrittenVersion, id: string) => ({
  name: sealText(sealer, name, versionPlace(id, 'name')),
  state: sealBytes(sealer, state, versionPlace(id, 'state')),
});

export const openVersionState = (vault: Vault, stored: Buffer, id: string): Promise<Buffer | null> =>
  openBytes(vault, stored, versionPlace(id, 'state')).catch(nullIfDestroyed);

export const openVersionNames = <Row extends { id: string; name: string }>(
  vault: Vault,
  rows: readonly Row[],
): Promise<Row[]> =>
  present(rows.map(async (row) => ({ ...row, name: await openText(vault, row.name, versionPlace(row.id, 'name')) })));

const assistPlace = (id: string): string => `document_assists ${id} asked`;

/** What a model was asked to write. */
export const sealAsked = (sealer: Sealer | null, asked: object, id: string): object =>
  sealFields(sealer, asked, [], assistPlace(id));

export const openAsked = <Row extends { id: string; asked: unknown }>(
  vault: Vault,
  rows: readonly Row[],
): Promise<Row[]> =>
  present(rows.map(async (row) => ({ ...row, asked: await openFields(vault, row.asked, assistPlace(row.id)) })));

export const sealPresence = (
  sealer: Sealer | null,
  state: string | null,
  documentId: string,
  clientId: number,
): string | null => state && sealText(sealer, state, presencePlace(documentId, clientId));

interface PresentRow {
  documentId: string;
  clientId: number;
  state: string | null;
}

export const openPresence = <Row extends PresentRow>(vault: Vault, rows: readonly Row[]): Promise<Row[]> =>
  present(
    rows.map(async (row) => {
      const place = presencePlace(row.documentId, row.clientId);
      return { ...row, state: row.state && (await openText(vault, row.state, place)) };
    }),
  );

async function present<Row>(rows: readonly Promise<Row>[]): Promise<Row[]> {
  const found = await Promise.all(rows.map((row) => row.catch(nullIfDestroyed)));
  return found.filter((row) => row !== null);
}
