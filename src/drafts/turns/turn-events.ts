import { countCodePoints } from '../../lib/text/code-points.ts';
import { typing } from '../log/edits.ts';
import { type LogEvent, logTokens, writtenText } from '../log/log-events.ts';
import { type DraftRecord, isTyped, lastTurn, modelTurns, type Turn, type TurnHistory } from '../log/stored.ts';
import { joined, keptAs, keptPassages, type KeptText, passagesOf, splitAt } from '../text/passages.ts';
import { statusEvent } from './draft-writer.ts';
import type { WrittenTurn } from './prompts.ts';

const SEPARATOR = '\n\n';

/**
 * The log events at the start of a turn: that it waits, and the text before that of the model. That is a tune's header,
 * or a blank line if an answer follows a text.
 */
export function opening({ instruction, before, at, tune }: Turn, textBefore: string): LogEvent[] {
  const queued = statusEvent('QUEUED', null, before);
  const lead = tune ? tune.header : isSeparated(instruction, textBefore) ? SEPARATOR : '';
  return lead === '' ? [queued] : [queued, logTokens(lead, [], at)];
}

/** Where a turn goes on after these events of it: the code point before which text is inserted, null at the end. */
export function positionAfter({ at }: Turn, events: readonly LogEvent[]): number | null {
  return at === null ? null : at + countCodePoints(writtenText(events));
}

/** The events that the log lacks if a process died between storing a turn's row and its log. */
export function missingOpening(draft: DraftRecord, sequence: number): LogEvent[] | null {
  const turn = lastTurn(draft);
  const begins = draft.turns.length === 1 ? 0 : turn.from;
  return sequence === begins ? opening(turn, joined(keptPassages(draft).before)) : null;
}

/**
 * The turns up to the last one, which is to be written, with their texts without the separator before each. Once a
 * person has changed the text, what precedes the last turn is one answer to the prompt ([DRAFT12]).
 */
export function writtenTurns(draft: { turns: TurnHistory } & KeptText): WrittenTurn[] {
  const { before } = keptPassages(draft);
  const { instruction: last } = lastTurn(draft);
  if (draft.turns.some(isTyped)) {
    return [
      { instruction: null, text: joined(before) },
      { instruction: last, text: '' },
    ];
  }
  return modelTurns(draft).map(({ instruction }, i) => {
    const text = joined(before.filter(({ turn }) => turn === i + 1));
    const isFirst = before.every(({ turn }) => turn === null || turn > i);
    return {
      instruction,
      text: isSeparated(instruction, isFirst ? '' : SEPARATOR) ? text.slice(SEPARATOR.length) : text,
    };
  });
}

/** The draft's turns with another one, which is to continue its text, and the text that it continues. */
export function nextTurn(draft: DraftRecord, turn: Turn): { turns: TurnHistory; kept: KeptText } {
  const passages = passagesOf(draft, modelTurns(draft).length);
  if (turn.at === null) return { turns: [...draft.turns, turn], kept: keptAs(passages, turn.from) };
  const { before, after } = splitAt(passages, turn.at);
  const kept = keptAs([...before, ...after], turn.from, before.length);
  return { turns: [...typing(draft.turns, turn.from), turn], kept };
}

const isSeparated = (instruction: string | null, before: string): boolean => instruction !== null && before !== '';
