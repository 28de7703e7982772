import { joined, keptAs, keptPassages, type KeptText, passagesOf, replaceIn } from '../text/passages.ts';
import { type EditEvent, isWritten, type LogEntry } from './log-events.ts';
import { type DraftRecord, isTyped, lastTurn, modelTurns, type TurnHistory, type TypedTurn } from './stored.ts';

/** Number of changes whose keys are remembered, of those between two turns of the model. */
const REMEMBERED = 32;

/** The turns with one that is typed at the end, which begins its latest change after `from`. */
export function typing(turns: TurnHistory, from: number): TurnHistory {
  const [first, ...others] = turns;
  const last = others.at(-1);
  if (!last || !isTyped(last)) return [first, ...others, { type: 'typed', from, asked: [] }];
  return [first, ...others.slice(0, -1), { ...last, from }];
}

/** The draft with a person's change, which is the log's next event. */
export function edited(draft: DraftRecord, { asked, ...replacement }: EditEvent) {
  const sequence = draft.sequence + 1;
  const passages = replaceIn(passagesOf(draft, modelTurns(draft).length), replacement);
  const turns = typing(draft.turns, draft.sequence);
  return {
    turns: asked ? withKey(turns, asked) : turns,
    ...{ text: joined(passages), sequence, ...keptAs(passages, sequence) },
  };
}

function withKey([first, ...others]: TurnHistory, asked: NonNullable<EditEvent['asked']>): TurnHistory {
  const remembered = (turn: TypedTurn): TypedTurn => ({ ...turn, asked: [...turn.asked, asked].slice(-REMEMBERED) });
  return [first, ...others.map((turn, i) => (i === others.length - 1 && isTyped(turn) ? remembered(turn) : turn))];
}

/** Whether the text before the last turn is in the log, where builds that keep no passages leave it. */
export const leavesTextInLog = (draft: DraftRecord): boolean =>
  draft.textsUntil < lastTurn(draft).from && modelTurns(draft).length > 1;

/** The text before the last turn, from the entries after `textsUntil`. */
export function textInLog(draft: DraftRecord, entries: readonly LogEntry[]): KeptText {
  const turns = modelTurns(draft);
  const { from } = lastTurn(draft);
  const passages = entries.flatMap(({ sequence, event }) => {
    const turn = Math.max(1, turns.filter((one) => one.from < sequence).length);
    return isWritten(event) && sequence <= from ? [{ text: event.text, turn }] : [];
  });
  return keptAs([...keptPassages(draft).before, ...passages], from);
}
