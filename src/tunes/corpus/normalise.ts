import { type Key, keyText, parseKey } from '../abc/key.ts';
import { type AbcToken, lexAbc } from '../abc/lexer.ts';
import { parseTune } from '../abc/parse-tune.ts';
import type { Tune } from '../abc/tune.ts';

/** A tune in the one form that a model learns: four fields, then bars, without what a melody does not need. */
export interface NormalTune {
  /** The kind of tune, for example `jig`; empty if unknown. */
  readonly rhythm: string;
  readonly metre: string;
  readonly unit: string;
  readonly key: Key;
  /** The symbols behind the header. */
  readonly body: readonly AbcToken[];
}

/** Why a tune is left out. */
export type Rejection =
  | 'no metre'
  | 'no key'
  | 'a key that is none'
  | 'key or metre change'
  | 'several voices'
  | 'symbols without meaning'
  | 'bars of a wrong length'
  | 'not playable as written'
  | 'fewer than eight notes';

/** Kinds that say nothing of the melody: they are left out. */
const UNHEARD: ReadonlySet<AbcToken['kind']> = new Set(['comment', 'text']);
/** Ornaments that are kept: staccato, roll, trill and fermata. Bowing and what editors agreed upon are not. */
const ORNAMENTS = new Set(['.', '~', 'T', 'H']);
const SPACERS = /^(y\d*|[$\\`])$/;
const FEWEST_NOTES = 8;

/** Different ways to write the same line. */
const BAR_LINES: Readonly<Record<string, string>> = {
  ...{ ':|:': '::', ':||:': '::', ':|||:': '::', '||:': '|:', '[|:': '|:', '|||:': '|:', ':||': ':|', ':|]': ':|' },
  ...{ '|||': '||', '[|': '||', '|[1': '|1', '|[2': '|2', ':|[2': ':|2', '||[1': '|1', ':||2': ':|2' },
};

/** @returns the tune, or why it is left out */
export function normalise(abc: string): NormalTune | Rejection {
  const tokens = Array.from(lexAbc(abc.trim()));
  const firstSymbol = tokens.findIndex(({ kind }) => kind !== 'field' && kind !== 'newline' && kind !== 'comment');
  if (firstSymbol < 0) return 'fewer than eight notes';
  const [header, music] = [tokens.slice(0, firstSymbol), tokens.slice(firstSymbol)];
  const valueOf = (field: string) =>
    header
      .find(({ text }) => text.startsWith(field))
      ?.text.slice(2)
      .trim();
  const [metre, keyName] = [valueOf('M:'), valueOf('K:')];
  if (metre === undefined) return 'no metre';
  if (keyName === undefined) return 'no key';
  const key = parseKey(keyName);
  // A signature of its own (`K:D =c`) has no name among the modes.
  if (!key || key.tonic === null || /[_^=]/.test(keyName)) return 'a key that is none';
  const problem = problemOf(music);
  if (problem) return problem;
  const rhythm = (valueOf('R:') ?? '').toLowerCase();
  const tune = {
    ...{ rhythm: /^[a-z]+$/.test(rhythm) ? rhythm : '', metre, unit: valueOf('L:') ?? '1/8', key },
    body: tidied(music),
  };
  return layOut(tune);
}

function problemOf(music: readonly AbcToken[]): Rejection | null {
  const has = (test: (token: AbcToken) => boolean) => music.some(test);
  if (has(({ text }) => /^\[?V:/.test(text) || text === '&')) return 'several voices';
  if (has(({ kind }) => kind === 'field' || kind === 'inline-field')) return 'key or metre change';
  return has(({ kind }) => kind === 'unknown') ? 'symbols without meaning' : null;
}

/** Without what is not heard, with single spaces, none of them beside a bar line, and all on one line. */
function tidied(music: readonly AbcToken[]): AbcToken[] {
  const kept: AbcToken[] = [];
  for (const token of music) {
    const { kind, text } = token;
    if (UNHEARD.has(kind) || SPACERS.test(text) || (kind === 'decoration' && !ORNAMENTS.has(text))) continue;
    const last = kept.at(-1)?.kind;
    if (kind === 'space' || kind === 'newline') {
      if (last !== undefined && last !== 'bar' && last !== 'space') kept.push({ ...token, kind: 'space', text: ' ' });
      continue;
    }
    if (kind === 'bar') addBarLine(kept, token);
    else kept.push(token);
  }
  while (kept.at(-1)?.kind === 'space') kept.pop();
  return kept;
}

/** Two lines with nothing between them are one, as at the end and the beginning of lines of text. */
function addBarLine(kept: AbcToken[], token: AbcToken): void {
  if (kept.at(-1)?.kind === 'space') kept.pop();
  const text = BAR_LINES[token.text] ?? token.text;
  const last = kept.at(-1);
  if (text === '|' && last?.kind !== 'bar' && last) kept.push({ ...token, text });
  else if (text !== '|') {
    const both = last?.kind === 'bar' ? mergedLine(last.text, text) : null;
    if (both !== null) kept.pop();
    kept.push({ ...token, text: both ?? text });
  }
}

/** Null if they say different things. */
function mergedLine(before: string, after: string): string | null {
  if (before === ':|' && after === '|:') return '::';
  return before === '|' || before === '||' || before === after ? after : null;
}

/** Number of bars on a line of text. */
const BARS_ON_A_LINE = 4;

/** Refuses what cannot be played as written, and breaks lines behind sections and every four bars. */
function layOut(tune: NormalTune): NormalTune | Rejection {
  const text = abcOf(tune);
  const parsed = parseTune(text);
  const error = parsed.problems.find(({ severity }) => severity === 'ERROR');
  if (error) return error.message.startsWith('the bar is') ? 'bars of a wrong length' : 'not playable as written';
  if (melodyOf(parsed).length < FEWEST_NOTES) return 'fewer than eight notes';
  const whole = new Map(parsed.bars.map(({ to, ticks, metre }) => [to, ticks >= (metre?.bar ?? 0)]));
  const body: AbcToken[] = [];
  let at = text.length - tune.body.reduce((length, token) => length + token.text.length, 0);
  let bars = 0;
  tune.body.forEach((token, i) => {
    body.push(token);
    if (token.kind === 'bar' && whole.get(at)) bars++;
    const isFull = endsSection(token) || bars >= BARS_ON_A_LINE;
    if (token.kind === 'bar' && isFull && !opensEnding(token) && i > 0 && i < tune.body.length - 1) {
      body.push({ kind: 'newline', text: '\n', at: 0 });
      bars = 0;
    }
    at += token.text.length;
  });
  return { ...tune, body };
}

const opensEnding = ({ text }: AbcToken): boolean => /\d$/.test(text);
const endsSection = ({ kind, text }: AbcToken): boolean => kind === 'bar' && text !== '|';

/** The tune as ABC, without a line end behind it. */
export function abcOf({ rhythm, metre, unit, key, body }: NormalTune): string {
  const fields = [...(rhythm ? [`R:${rhythm}`] : []), `M:${metre}`, `L:${unit}`, `K:${keyText(key)}`];
  return `${fields.join('\n')}\n${body.map(({ text }) => text).join('')}`;
}

/** MIDI numbers of the highest notes, in the order written. */
export function melodyOf({ bars }: Pick<Tune, 'bars'>): number[] {
  return bars.flatMap(({ notes }) =>
    notes.flatMap(({ pitches }) => (pitches.length > 0 ? [Math.max(...pitches)] : [])),
  );
}
