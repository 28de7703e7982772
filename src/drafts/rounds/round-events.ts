import type { RowChanges } from '../../db/queries/draft-log-queries.ts';
import type { DraftRow } from '../../db/queries/draft-queries.ts';
import { type LogEntry, type LogEvent, logTokens } from '../log/log-events.ts';
import { type Turn, turnsOf } from '../log/turns.ts';
import { statusEntry } from './draft-writer.ts';
import type { Round } from './prompts.ts';

const SEPARATOR = '\n\n';

/** The log events at the start of a turn: that it waits and, if an answer follows a text, a blank line. */
export function opening({ instruction, before }: Turn, textBefore: string): { events: LogEvent[]; set: RowChanges } {
  const { event, set } = statusEntry('QUEUED', null, before);
  return { events: [event, ...(isSeparated(instruction, textBefore) ? [logTokens(SEPARATOR, [])] : [])], set };
}

/** The events that the log lacks if a process died between storing a turn's row and its log. */
export function openingEvents(
  turns: readonly Turn[],
  sequence: number,
  { text }: DraftRow,
): { events: LogEvent[]; set: RowChanges } | null {
  const turn = turns.at(-1);
  const begins = turns.length === 1 ? 0 : turn?.from;
  return turn && sequence === begins ? opening(turn, text) : null;
}

/** The turns with their texts, without the separator before each. */
export function roundsOf(row: DraftRow, entries: readonly LogEntry[]): Round[] {
  const turns = turnsOf(row);
  let before = '';
  return turns.map(({ instruction, from }, i) => {
    const until = turns[i + 1]?.from ?? Infinity;
    const own = entries.filter(({ sequence, event }) => sequence > from && sequence <= until && hasTokens(event));
    const kept = row.texts?.[i];
    const text = kept === undefined ? own.map(textOf).join('') : kept.slice(separatorLength(instruction, before));
    before += text;
    return { instruction, text };
  });
}

const isSeparated = (instruction: string | null, before: string): boolean => instruction !== null && before !== '';
const separatorLength = (instruction: string | null, before: string): number =>
  isSeparated(instruction, before) ? SEPARATOR.length : 0;
const hasTokens = (event: LogEvent): boolean => event.type === 'tokens' && event.tokens.length > 0;
const textOf = ({ event }: LogEntry): string => (event.type === 'tokens' ? event.text : '');
