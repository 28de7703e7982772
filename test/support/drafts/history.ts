import { isTerminal, type LogEntry, type LogEvent, tokenIds } from '../../../src/drafts/log/log-events.ts';
import { uniformAt } from '../../../src/lib/random.ts';

/** One append as it was made, by whom and where. */
export interface Made {
  draftId: string;
  epoch: number;
  sequence: number;
  events: readonly LogEvent[];
}

export interface History {
  drafts: { id: string; seed: number; tokens: number }[];
  made: Made[];
  /** What readers saw, each in its order. */
  readings: { draftId: string; entries: LogEntry[] }[];
  crashes: number;
  faults: number;
}

/** The token that a draft has at a position, whoever writes it. */
export const tokenAt = (seed: number, position: number): number => Math.floor(uniformAt(seed, position) * 50_000);

/** What is wrong with a history; empty when nothing is. */
export function problemsOf(history: History): string[] {
  return history.drafts.flatMap(({ id, seed, tokens }) => {
    const made = history.made.filter(({ draftId }) => draftId === id);
    const readings = history.readings.filter(({ draftId }) => draftId === id).map(({ entries }) => entries);
    const log = readings.reduce((longest, entries) => (entries.length > longest.length ? entries : longest), []);
    return [
      ...problemsOfAppends(made),
      ...problemsOfLog(log, seed, tokens),
      ...readings.flatMap((entries) => (isPrefix(entries, log) ? [] : ['a reader saw something else than the log'])),
    ].map((problem) => `${id}: ${problem}`);
  });
}

function problemsOfAppends(made: readonly Made[]): string[] {
  const problems: string[] = [];
  let [epoch, next] = [1, 2];
  for (const append of made) {
    if (append.epoch < epoch) problems.push(`epoch ${append.epoch} wrote after epoch ${epoch}`);
    if (append.sequence !== next) problems.push(`an append at ${append.sequence}, not at ${next}`);
    epoch = append.epoch;
    next = append.sequence + append.events.length;
  }
  return problems;
}

function problemsOfLog(log: readonly LogEntry[], seed: number, tokens: number): string[] {
  const problems: string[] = [];
  if (log.some(({ sequence }, i) => sequence !== i + 1)) problems.push('sequence numbers have gaps or repeats');
  const ends = log.filter(({ event }) => event.type === 'status' && isTerminal(event.status));
  if (ends.length !== 1 || log.at(-1) !== ends[0])
    problems.push(`it ends ${ends.length} times, or goes on after its end`);
  const end = ends[0]?.event;
  const ids = tokenIds(log);
  if (ids.some((id, i) => id !== tokenAt(seed, i))) problems.push('a token is not the one that belongs there');
  const isWhole = end?.type === 'status' && end.status === 'COMPLETED';
  if (isWhole && ids.length !== tokens) problems.push(`${ids.length} tokens, not ${tokens}`);
  return problems;
}

const isPrefix = (entries: readonly LogEntry[], log: readonly LogEntry[]): boolean =>
  JSON.stringify(entries) === JSON.stringify(log.slice(0, entries.length));
