import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, runInContext } from 'node:vm';
import { dictionary } from 'cmu-pronouncing-dictionary';
import { z } from 'zod';

/** A note as abc2svg reads it, which knows nothing of what sets words here. */
interface SungSymbol {
  /** In quarters from the tune's start. */
  time: number;
  /** Whether a tie or a slur leads to it. */
  held: boolean;
  /** What is sung on it in each verse: null for nothing. `joined` to the next by a hyphen. */
  words: ({ text: string; joined: boolean } | null)[];
}

const engraver = readFileSync(createRequire(import.meta.url).resolve('abc2svg/abc2svg-1.js'), 'utf8');
const QUARTER = 384;
const read = z.object({
  errors: z.array(z.string()),
  symbols: z.array(
    z.object({
      ...{ time: z.number(), tied: z.boolean(), until: z.array(z.number()) },
      words: z.array(z.object({ text: z.string(), joined: z.boolean() }).nullable()),
    }),
  ),
});

/** Reads a tune and the words under its notes with abc2svg. @throws Error for what abc2svg complains of */
export function sing(abc: string): SungSymbol[] {
  const context = createContext({ abc, found: '' });
  runInContext(engraver, context);
  runInContext(
    `const errors = [], symbols = [];
     const note = (s) => ({
       time: s.time, tied: Boolean(s.ti2),
       until: (s.sls ?? []).map(({ note }) => note?.s?.time ?? -1),
       words: Array.from(s.a_ly ?? [], (one) => one ? { text: one.t, joined: one.ln === 1 } : null),
     });
     new abc2svg.Abc({
       img_out() {}, errmsg(message) { errors.push(message) }, read_file() { return '' },
       get_abcmodel(first) { for (let s = first; s; s = s.ts_next) if (s.type === 8 && !s.grace) symbols.push(note(s)) },
     }).tosvg('song', abc);
     found = JSON.stringify({ errors, symbols });`,
    context,
  );
  const { errors, symbols } = read.parse(JSON.parse(String(runInContext('found', context))));
  if (errors.length > 0) throw new Error(errors.join('\n'));
  let slurredUntil = -1;
  return symbols.map(({ time, tied, until, words }) => {
    const held = tied || time <= slurredUntil;
    slurredUntil = Math.max(slurredUntil, ...until);
    return { time: time / QUARTER, held, words };
  });
}

/** How strong the beats of a bar are, by their distance in quarters from the bar's beginning. */
const STRENGTHS: Readonly<Record<string, (at: number) => number>> = {
  '4/4': (at) => (at === 0 ? 4 : at === 2 ? 3 : at % 1 === 0 ? 2 : at % 0.5 === 0 ? 1 : 0),
  '3/4': (at) => (at === 0 ? 3 : at % 1 === 0 ? 2 : at % 0.5 === 0 ? 1 : 0),
  '6/8': (at) => (at === 0 ? 3 : at === 1.5 ? 2 : at % 0.5 === 0 ? 1 : 0),
};

/** A word as it is sung: its syllables, and when each begins. */
interface SungWord {
  text: string;
  times: number[];
}

/** The words of one verse. @throws Error where a held note has a syllable, or another note has none */
export function wordsSung(abc: string, verse: number): SungWord[] {
  const words: SungWord[] = [];
  let joined = false;
  for (const { time, held, words: rows } of sing(abc)) {
    const sung = rows[verse];
    if (!sung) throw new Error(`nothing is sung at ${time}`);
    if (held !== (sung.text === '_')) throw new Error(`${sung.text} is sung at ${time}`);
    if (held) continue;
    const last = words.at(-1);
    if (joined && last) {
      last.text += sung.text;
      last.times.push(time);
    } else words.push({ text: sung.text, times: [time] });
    joined = sung.joined;
  }
  return words;
}

/**
 * The words whose stressed syllable is sung on a weaker note than one beside it in the word, as CMUdict has the stress.
 * @param pickup quarters before the first whole bar
 */
export function misplacedStresses(words: readonly SungWord[], metre: string, pickup: number): string[] {
  const strength = STRENGTHS[metre];
  if (!strength) throw new Error(`no strengths of ${metre}`);
  const [over = 4, under = 4] = metre.split('/').map(Number);
  const bar = (4 * over) / under;
  const at = (time: number) => strength((((time - pickup) % bar) + bar) % bar);
  return words.flatMap(({ text, times }) => {
    const word = text.toLowerCase().replace(/[^a-z']/g, '');
    const vowels = (dictionary[word] ?? '').split(' ').filter((sound) => /\d$/.test(sound));
    const stressed = vowels.findIndex((sound) => sound.endsWith('1'));
    if (times.length < 2) return [];
    if (vowels.length !== times.length || stressed === -1) return [`${text} is no word of ${times.length} syllables`];
    const [own = 0, ...beside] = [times[stressed], times[stressed - 1], times[stressed + 1]].map((time) =>
      time === undefined ? -1 : at(time),
    );
    return beside.some((other) => other > own) ? [text] : [];
  });
}
