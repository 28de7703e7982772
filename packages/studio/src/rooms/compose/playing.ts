import type { TuneQuery } from '../../generated/graphql.ts';

type Tune = NonNullable<NonNullable<TuneQuery['draft']>['tune']>;

/** A bar as it is played: when it begins and ends, in seconds. */
export interface PlayedBar {
  number: number;
  from: number;
  to: number;
}

/**
 * The bars in the order played. Null where that is not what the server says: its duration would be another one. Then the
 * notes are followed without their bars.
 */
export function playedBars({
  abc,
  bars,
  tempo,
  duration,
}: Pick<Tune, 'abc' | 'bars' | 'tempo' | 'duration'>): PlayedBar[] | null {
  const played: PlayedBar[] = [];
  let now = 0;
  for (const number of orderOf(abc, bars.length)) {
    const seconds = lengthOf(bars[number - 1]?.length ?? '') * (240 / tempo);
    played.push({ number, from: now, to: now + seconds });
    now += seconds;
  }
  return Math.abs(now - duration) < 0.1 ? played : null;
}

function lengthOf(fraction: string): number {
  const [above = 0, below = 1] = fraction.split('/').map(Number);
  return above / below;
}

/** The numbers of the bars with the repeats that `|:` and `:|` tell. */
function orderOf(abc: string, bars: number): number[] {
  const body = abc.replace(/^[A-Za-z]:.*$/gm, '').replace(/"[^"]*"|%.*$/gm, '');
  const order: number[] = [];
  let [number, start, text] = [1, 1, ''];
  for (const part of body.split(/(::|:?\|[|\]:]?|\|:)/)) {
    if (!/^(::|:?\|[|\]:]?)$/.test(part)) {
      text += part.trim();
      continue;
    }
    if (text !== '' && number <= bars) order.push(number++);
    text = '';
    if (part.startsWith(':')) order.push(...range(start, number));
    if (part.startsWith(':') || part.endsWith(':')) start = number;
  }
  if (text !== '' && number <= bars) order.push(number);
  return order;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
