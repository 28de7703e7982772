import type { Database } from '../../../db/client.ts';
import type { DraftRow } from '../../../db/drafts/draft-columns.ts';
import { keepText } from '../../../db/drafts/draft-log-queries.ts';
import { StoredDataError } from '../../../lib/stored-data.ts';
import { keptAs, passagesOf } from '../../text/passages.ts';
import { isTerminal } from '../log-events.ts';
import { type DraftRecord, draftRecord, modelTurns } from '../stored.ts';

/**
 * Stores the text of each turn of a draft that has ended in its row, so that nothing of it is in the events alone.
 * @param isCompacted whether the events are removed, of which only the text is kept ([LOG8])
 */
export async function keepWholeText(database: Database, row: DraftRow, isCompacted: boolean): Promise<void> {
  if (!isTerminal(row.status) || (!isCompacted && row.textsUntil >= row.sequence)) return;
  const draft = readable(row);
  const { id, sequence, epoch, text } = row;
  const passages = draft ? passagesOf(draft, modelTurns(draft).length) : [{ text, turn: 1 }];
  await keepText(database, { id, sequence, epoch, ...keptAs(passages, sequence) }, isCompacted);
}

/** Null if its row is damaged: its text is kept all the same. */
function readable(row: DraftRow): DraftRecord | null {
  try {
    return draftRecord(row);
  } catch (error) {
    if (error instanceof StoredDataError) return null;
    throw error;
  }
}
