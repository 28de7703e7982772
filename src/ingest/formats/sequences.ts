import { copyFeedback, createFeedbackStaging, type StagedFeedback } from '../../db/imports/import-feedback.ts';
import { makeUnknownTracks, takeRepeatedSequences } from '../../db/imports/import-sequences.ts';
import { mergeStagedFeedback } from '../../db/imports/merge-feedback.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { checkName } from '../../lib/text/check-text.ts';
import type { ImportContext, Outcome } from '../import-context.ts';
import { type Line, readLines } from '../reading/lines.ts';
import { openSource } from '../reading/source.ts';
import { listenerId } from './rows.ts';

const UNKNOWN_ARTIST = 'Unknown artist';
/** A line can have half a million items, so they become rows in batches. */
const BATCH = 5_000;

interface Sequence {
  listener: string;
  items: string[];
}

/**
 * One line per listener: an id, then items in order, separated by spaces or tabs. Items have no times, so they get
 * times a millisecond apart that end with the import's. This keeps their order, and a list that has grown continues
 * after its existing plays.
 */
export async function importSequences(path: string, context: ImportContext): Promise<Outcome> {
  const { tx, clock, progress, step, merged, signal } = context;
  const source = await openSource(path);
  progress.expect([source]);
  const end = clock.now();
  await createFeedbackStaging(tx);
  await copyFeedback(
    tx,
    (async function* () {
      for await (const lines of readLines(source.chunks(progress.read, signal))) {
        const sequences = progress.accept(
          source.name,
          lines.filter((line) => !isBlank(line)),
          ({ text }) => sequenceOf(text),
        );
        for (const { line, row } of sequences) yield* batchesOf(row, line, end);
      }
    })(),
  );
  if (progress.rows === 0) throw new InvalidInputError(`${source.name} contains no rows`, 'path');
  step('merging feedback');
  await takeRepeatedSequences(tx, ({ line, reason }) => progress.reject(source.name, line, reason));
  progress.checkpoint();
  const tracks = await makeUnknownTracks(tx, UNKNOWN_ARTIST);
  const { newListeners, untimed: _, ...feedback } = await mergeStagedFeedback(tx, merged);
  const notes = ['Sequences carry no times: items got times a millisecond apart, the last being that of the import.'];
  if (tracks.created > 0)
    notes.push(`${tracks.created} items were not in the catalogue and became tracks named "Track ID".`);
  return { tracks, feedback, newListeners, notes };
}

const isBlank = (line: Line): boolean => 'text' in line && line.text.trim() === '';

function sequenceOf(text: string): Sequence {
  const [listener = '', ...items] = text.trim().split(/\s+/);
  if (items.length === 0) throw new InvalidInputError(`listener "${listener.slice(0, 50)}" has no items`);
  return { listener: listenerId(listener), items: items.map((item) => checkName(item, 'item', { max: 200 })) };
}

function* batchesOf({ listener, items }: Sequence, line: number, end: number) {
  for (let start = 0; start < items.length; start += BATCH) {
    yield items.slice(start, start + BATCH).map((track, i): { line: number; row: StagedFeedback } => {
      const position = start + i;
      const at = new Date(end - (items.length - 1 - position));
      const row = { listener, track, kind: 'PLAY', plays: 1, listenedMs: null, at, timed: false } as const;
      return { line, row: { ...row, key: `sequence:${position}` } };
    });
  }
}
