import { type Key, parseKey } from './key.ts';
import { isFreeMetre, type Metre, parseMetre, parseUnit, usualUnit } from './metre.ts';
import type { ProblemList } from './problems.ts';
import { QUARTER_NOTE, WHOLE_NOTE } from './ticks.ts';

const NO_KEY: Key = { tonic: null, mode: 'MAJOR', alterations: {} };
const SLOWEST = 10;
const FASTEST = 600;

/** What a tune's fields have said so far. */
export class Fields {
  title = '';
  rhythm = '';
  tempo: number | null = null;
  key: Key = NO_KEY;
  metre: Metre | null = null;
  /** The key ends the header. */
  hasKey = false;
  /** The voice that is being written, for tunes of several. */
  voice: string | null = null;
  readonly #problems: ProblemList;
  #unit: number | null = null;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  get unit(): number {
    return this.#unit ?? usualUnit(this.metre);
  }

  /** @param text a field such as `K:G` */
  take(text: string, at: number): void {
    const value = text
      .slice(2)
      .replace(/(^|[^\\])%.*$/, '$1')
      .replaceAll('\\%', '%')
      .trim();
    switch (text.slice(0, 2)) {
      case 'T:':
        this.title ||= value;
        return;
      case 'R:':
        this.rhythm ||= value;
        return;
      case 'M:':
        this.#takeMetre(value, at);
        return;
      case 'L:':
        this.#takeUnit(value, at);
        return;
      case 'Q:':
        this.#takeTempo(value, at);
        return;
      case 'V:':
        this.voice = /^\S+/.exec(value)?.[0] ?? null;
        return;
      case 'K:':
        this.#takeKey(value, at);
    }
  }

  #takeMetre(value: string, at: number): void {
    const metre = parseMetre(value);
    if (metre) this.metre = metre;
    else if (isFreeMetre(value)) this.metre = null;
    else this.#problems.add('ERROR', `"${value}" is no metre; for example M:6/8, M:C| or M:none`, at);
  }

  #takeUnit(value: string, at: number): void {
    const unit = parseUnit(value);
    if (unit === null) this.#problems.add('ERROR', `"${value}" is no unit note length; for example L:1/8`, at);
    else this.#unit = unit;
  }

  #takeTempo(value: string, at: number): void {
    const tempo = parseTempo(value, this.unit);
    if (tempo === null) this.#problems.add('WARNING', `"${value}" is no tempo; for example Q:1/4=120`, at);
    // The first one counts: a tempo that changes later is left out of what is played.
    else this.tempo ??= tempo;
  }

  #takeKey(value: string, at: number): void {
    const key = parseKey(value);
    this.hasKey = true;
    if (key) this.key = key;
    else this.#problems.add('ERROR', `"${value}" is no key; for example K:D, K:Am, K:G dor or K:none`, at);
  }
}

/** Quarter notes per minute. Without a note length the number counts unit notes, as it did before ABC 2. */
function parseTempo(value: string, unit: number): number | null {
  const text = value.replace(/"[^"]*"/g, '').trim();
  const [, length, count = ''] = /^(?:([\d/ ]+)=)?\s*(\d{1,4})$/.exec(text) ?? [];
  const beat = length === undefined ? unit : beatLength(length);
  const tempo = (Number(count) * beat) / QUARTER_NOTE;
  return tempo >= SLOWEST && tempo <= FASTEST ? tempo : null;
}

/** Several notes together may be a beat: `1/4 1/8`. */
function beatLength(text: string): number {
  const parts = Array.from(text.matchAll(/(\d{1,2})\/(\d{1,3})/g));
  return parts.reduce((sum, [, over, under]) => sum + (Number(over) * WHOLE_NOTE) / Number(under), 0);
}
