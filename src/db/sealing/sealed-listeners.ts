import { nullIfDestroyed, openText, openTexts, sealText, sealTexts } from '../sealing/sealed-values.ts';
import type { Sealer, Vault } from '../sealing/vault.ts';

const placeOf = (listenerId: number, column: string): string => `listeners ${listenerId} ${column}`;

export const sealName = (sealer: Sealer | null, name: string, listenerId: number): string =>
  sealText(sealer, name, placeOf(listenerId, 'display_name'));

/** The columns of preferences in words, as they are stored. Absent ones keep their values. */
export function sealPreferences(
  sealer: Sealer | null,
  { tags, text }: { tags?: readonly string[]; text?: string | null },
  listenerId: number,
) {
  return {
    ...(tags && { preferenceTags: sealTexts(sealer, tags, placeOf(listenerId, 'preference_tags')) }),
    ...(text !== undefined && {
      preferenceText: text === null ? null : sealText(sealer, text, placeOf(listenerId, 'preference_text')),
    }),
  };
}

interface Named {
  id: number;
  displayName: string;
}

/** The rows as they were written. Those of listeners who were erased meanwhile are left out. */
export const openListeners = <Row extends Named>(vault: Vault, rows: readonly Row[]): Promise<Row[]> =>
  present(
    rows.map(async (row) => {
      const displayName = await openText(vault, row.displayName, placeOf(row.id, 'display_name'));
      return { ...row, displayName };
    }),
  );

interface Worded {
  listenerId: number;
  tags: string[];
  text: string | null;
}

export const openPreferences = <Row extends Worded>(vault: Vault, rows: readonly Row[]): Promise<Row[]> =>
  present(
    rows.map(async (row) => {
      const { listenerId } = row;
      const tags = await openTexts(vault, row.tags, placeOf(listenerId, 'preference_tags'));
      const text = row.text && (await openText(vault, row.text, placeOf(listenerId, 'preference_text')));
      return { ...row, tags, text };
    }),
  );

async function present<Row>(rows: readonly Promise<Row>[]): Promise<Row[]> {
  const found = await Promise.all(rows.map((row) => row.catch(nullIfDestroyed)));
  return found.filter((row) => row !== null);
}
