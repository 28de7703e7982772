import type { RowChanges } from '../../db/queries/draft-log-queries.ts';
import type { DraftRow } from '../../db/queries/draft-queries.ts';
import { type LogEntry, type LogEvent, logTokens } from '../log/log-events.ts';
import { type Turn, turnsOf } from '../log/turns.ts';
import { statusEntry } from './draft-writer.ts';
import type { Round } from './prompts.ts';

const SEPARATOR = '\n\n';

/** What the log says when a round begins: that it waits, and, where an answer follows a text, a blank line. */
export function opening({ instruction, before }: Turn, textBefore: string): { events: LogEvent[]; set: RowChanges } {
  const { event, set } = statusEntry('QUEUED', null, before);
  return { events: [event, ...(isSeparated(instruction, textBefore) ? [logTokens(SEPARATOR, [])] : [])], set };
}

/** Where a process died between a round's row and its log: what the log still lacks. */
export function openingEvents(
  turns: readonly Turn[],
  sequence: number,
  { text }: DraftRow,
): { events: LogEvent[]; set: RowChanges } | null {
  const turn = turns.at(-1);
  const begins = turns.length === 1 ? 0 : turn?.from;
  return turn && sequence === begins ? opening(turn, text) : null;
}

/** The rounds with what was written in each, the separator before a round not being part of it. */
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
