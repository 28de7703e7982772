import { type LogEntry, type LogEvent, logTokens } from '../log/log-events.ts';
import { type DraftRecord, lastTurn, type Turn } from '../log/stored.ts';
import { statusEvent } from './draft-writer.ts';
import type { WrittenTurn } from './prompts.ts';

const SEPARATOR = '\n\n';

/** The log events at the start of a turn: that it waits and, if an answer follows a text, a blank line. */
export function opening({ instruction, before }: Turn, textBefore: string): LogEvent[] {
  const queued = statusEvent('QUEUED', null, before);
  return isSeparated(instruction, textBefore) ? [queued, logTokens(SEPARATOR, [])] : [queued];
}

/** The events that the log lacks if a process died between storing a turn's row and its log. */
export function missingOpening(draft: DraftRecord, sequence: number): LogEvent[] | null {
  const turn = lastTurn(draft);
  const begins = draft.turns.length === 1 ? 0 : turn.from;
  return sequence === begins ? opening(turn, draft.text) : null;
}

/** The turns with their texts, without the separator before each. */
export function writtenTurns(
  { turns, texts }: Pick<DraftRecord, 'turns' | 'texts'>,
  entries: readonly LogEntry[],
): WrittenTurn[] {
  let before = '';
  return turns.map(({ instruction, from }, i) => {
    const until = turns[i + 1]?.from ?? Infinity;
    const own = entries.filter(({ sequence, event }) => sequence > from && sequence <= until && hasTokens(event));
    const kept = texts?.[i];
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
