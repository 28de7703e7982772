import { type DraftRow, KEPT_EPOCHS } from '../../../db/drafts/draft-columns.ts';
import type { LogEntry } from '../log-events.ts';

/** In which epochs a draft's entries were written: the epochs, oldest first, and the last entry before each. */
export type EpochHistory = Pick<DraftRow, 'epochs' | 'epochStarts'>;

/** The history up to an entry, and then of the entries that follow it. */
export function withEntries(
  { epochs, epochStarts }: EpochHistory,
  until: number,
  entries: readonly LogEntry[],
): EpochHistory {
  const kept = epochStarts.filter((start) => start < until).length;
  const history = { epochs: epochs.slice(0, kept), epochStarts: epochStarts.slice(0, kept) };
  for (const { sequence, epoch } of entries) {
    if (sequence <= until || history.epochs.at(-1) === epoch) continue;
    history.epochs.push(epoch);
    history.epochStarts.push(sequence - 1);
  }
  return { epochs: history.epochs.slice(-KEPT_EPOCHS), epochStarts: history.epochStarts.slice(-KEPT_EPOCHS) };
}
