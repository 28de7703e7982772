import { BarBuilder } from './bar-builder.ts';
import { NO_BAR_LINE, parseBarLine } from './bar-line.ts';
import { checkBars } from './check-bars.ts';
import { Fields } from './fields.ts';
import { type AbcToken, lexAbc } from './lexer.ts';
import { parseNote } from './pitch.ts';
import { ProblemList, type ProblemSeverity } from './problems.ts';
import { parseLength, type Ratio, scaled } from './ticks.ts';
import type { Tune } from './tune.ts';

/** The largest tune that is read, in UTF-16 code units. */
export const MOST_ABC = 16_384;

const SECTION_END = { ...NO_BAR_LINE, section: true };
const ONCE: Ratio = { over: 1, under: 1 };
/** Notes in a tuplet, and how many notes' time they take; 5, 7 and 9 depend on the metre. */
const TUPLET_TIMES: Readonly<Record<number, number>> = { 2: 3, 3: 2, 4: 3, 6: 2, 8: 3 };
const HEADER_ONLY = 'the tune has no key: the last field of its header is K:, for example K:D';

/**
 * Reads a tune in ABC 2.1. Whatever the text, it yields a tune of what could be read, and says what could not. Of
 * several voices it reads the first, and of several tunes too.
 */
export function parseTune(text: string): Tune {
  return new TuneParser(text).parse();
}

class TuneParser {
  readonly #text: string;
  readonly #problems: ProblemList;
  readonly #fields: Fields;
  readonly #bars: BarBuilder;
  #voice: string | null = null;
  #saidVoices = false;
  /** Set inside brackets. */
  #chord: { at: number; pitches: number[]; ticks: number | null } | null = null;
  #grace: number[] | null = null;
  #graces: number[] = [];
  #tuplet: (Ratio & { left: number }) | null = null;
  /** What broken rhythm does to the next note. */
  #broken: Ratio | null = null;
  /** The slurs that are open. One has begun once a note is under it. */
  #slurs: { at: number; begun: boolean }[] = [];

  constructor(text: string) {
    this.#text = text;
    this.#problems = new ProblemList(text);
    this.#fields = new Fields(this.#problems);
    this.#bars = new BarBuilder(this.#fields, SECTION_END);
  }

  parse(): Tune {
    const { length } = this.#text;
    let before: AbcToken | null = null;
    let header: Pick<Tune, 'key' | 'metre' | 'unit'> | null = null;
    for (const token of lexAbc(this.#text.slice(0, MOST_ABC))) {
      if (token.kind === 'newline' && before?.kind === 'newline' && this.#fields.hasKey) {
        this.#sayWhatFollows(token.at);
        break;
      }
      this.#take(token);
      if (!header && this.#fields.hasKey) header = this.#setting();
      before = token;
    }
    if (length > MOST_ABC) this.#say('ERROR', `the tune is longer than ${MOST_ABC} characters`, MOST_ABC);
    this.#end(Math.min(length, MOST_ABC));
    const { title, rhythm, tempo } = this.#fields;
    const bars = this.#bars.bars;
    return { title, rhythm, tempo, ...(header ?? this.#setting()), bars, problems: this.#problems.all };
  }

  #setting(): Pick<Tune, 'key' | 'metre' | 'unit'> {
    const { key, metre, unit } = this.#fields;
    return { key, metre, unit };
  }

  #sayWhatFollows(at: number): void {
    if (this.#text.slice(at, MOST_ABC).trim() !== '')
      this.#say('WARNING', 'an empty line ends the tune; what follows is another one, and is not read', at);
  }

  #end(at: number): void {
    this.#closeBar(SECTION_END, at);
    if (!this.#fields.hasKey) this.#problems.add('ERROR', HEADER_ONLY, at);
    else if (this.#bars.bars.length === 0) this.#problems.add('ERROR', 'the tune has no notes', at);
    for (const { at: open } of this.#slurs) this.#problems.add('WARNING', 'this slur is not closed', open);
    checkBars(this.#bars.bars, this.#problems);
  }

  #take(token: AbcToken): void {
    const { kind, text, at } = token;
    if (kind === 'field') this.#takeField(text, at);
    else if (kind === 'inline-field') this.#takeField(text.slice(1, -1), at);
    else if (kind !== 'newline' && kind !== 'space' && kind !== 'comment') {
      if (!this.#fields.hasKey) this.#takeBeforeKey(token);
      else if (!this.#isOtherVoice()) this.#takeMusic(token);
    }
  }

  /** Notes before the key are read in no key; the missing field is said once, at the end. */
  #takeBeforeKey({ kind, text, at }: AbcToken): void {
    if (kind === 'unknown') this.#say('WARNING', `${JSON.stringify(text)} has no meaning here`, at);
  }

  #takeField(text: string, at: number): void {
    this.#fields.take(text, at);
    if (text.startsWith('V:')) this.#voice ??= this.#fields.voice;
  }

  #isOtherVoice(): boolean {
    if (this.#fields.voice === this.#voice) return false;
    if (!this.#saidVoices) this.#say('WARNING', 'only the first voice is read', 0);
    return (this.#saidVoices = true);
  }

  #takeMusic({ kind, text, at }: AbcToken): void {
    if (kind !== 'bar') this.#bars.cover(at, at + text.length);
    switch (kind) {
      case 'bar':
        this.#takeBarLine(text, at);
        return;
      case 'note':
        this.#takeNote(text, at);
        return;
      case 'rest':
        this.#takeRest(text, at);
        return;
      case 'chord-open':
        this.#openChord(at);
        return;
      case 'chord-close':
        this.#closeChord(text.slice(1), at);
        return;
      case 'grace-open':
        this.#grace = [];
        return;
      case 'grace-close':
        this.#closeGrace(at);
        return;
      case 'tuplet':
        this.#openTuplet(text, at);
        return;
      case 'broken':
        this.#breakRhythm(text, at);
        return;
      case 'tie':
        this.#tie(at);
        return;
      case 'slur-open':
        this.#slurs.push({ at, begun: false });
        return;
      case 'slur-close':
        if (this.#slurs.pop() === undefined) this.#say('WARNING', 'no slur is open here', at);
        return;
      case 'unknown':
        this.#say('WARNING', `${JSON.stringify(text)} has no meaning here`, at);
        return;
      case 'other':
        if (text === '&') this.#say('WARNING', 'voices within a bar (&) are read one after the other', at);
        return;
      case 'field':
      case 'inline-field':
      case 'comment':
      case 'newline':
      case 'space':
      case 'decoration':
      case 'text':
    }
  }

  #takeBarLine(text: string, at: number): void {
    this.#closeBar(parseBarLine(text), at);
  }

  #closeBar(line: ReturnType<typeof parseBarLine>, at: number): void {
    if (this.#chord) this.#say('ERROR', 'this chord is not closed within its bar', this.#chord.at);
    if (this.#grace) this.#say('ERROR', 'grace notes are not closed within their bar', at);
    if (this.#tuplet) this.#say('ERROR', `a tuplet lacks ${notes(this.#tuplet.left)} at the bar's end`, at);
    if (this.#broken) this.#say('ERROR', 'broken rhythm needs a note behind it in the same bar', at);
    this.#chord = this.#grace = this.#tuplet = this.#broken = null;
    this.#graces = [];
    this.#bars.close(line);
  }

  #takeNote(text: string, at: number): void {
    const note = parseNote(text);
    if (!note) return;
    const midi = this.#bars.accidentals.take(note.pitch, this.#fields.key);
    if (midi < 0 || midi > 127) this.#say('ERROR', 'this note is outside of what instruments play', at);
    const pitch = Math.max(0, Math.min(127, midi));
    const length = parseLength(note.length);
    if (this.#grace) this.#grace.push(pitch);
    else if (this.#chord) {
      this.#chord.pitches.push(pitch);
      this.#chord.ticks ??= scaled(this.#fields.unit, length);
    } else this.#add([pitch], scaled(this.#fields.unit, length), at);
  }

  #takeRest(text: string, at: number): void {
    const length = parseLength(text.slice(1));
    if (this.#chord || this.#grace) {
      this.#say('ERROR', 'a rest cannot be in a chord or among grace notes', at);
      return;
    }
    const bar = this.#fields.metre?.bar;
    const whole = /^[ZX]/.test(text) && bar !== undefined;
    this.#add([], scaled(whole ? bar : this.#fields.unit, length), at);
  }

  /** @param ticks null if the written length is no whole number of ticks */
  #add(pitches: readonly number[], ticks: number | null, at: number): void {
    const inTuplet = ticks !== null && this.#tuplet ? scaled(ticks, this.#tuplet) : ticks;
    const own = inTuplet === null ? null : scaled(inTuplet, this.#broken ?? ONCE);
    if (own === null || own === 0) this.#say('ERROR', 'this length cannot be written as a note', at);
    const slurred = this.#slurs.some(({ begun }) => begun);
    this.#bars.add({ pitches, ticks: own ?? 0, tied: false, slurred, grace: this.#graces, at });
    for (const slur of this.#slurs) slur.begun = true;
    this.#graces = [];
    this.#broken = null;
    if (this.#tuplet && --this.#tuplet.left === 0) this.#tuplet = null;
  }

  #openChord(at: number): void {
    if (this.#chord) this.#say('ERROR', 'a chord cannot be inside of another', at);
    else this.#chord = { at, pitches: [], ticks: null };
  }

  #closeChord(length: string, at: number): void {
    const chord = this.#chord;
    this.#chord = null;
    if (!chord) this.#say('WARNING', 'no chord is open here', at);
    else if (chord.ticks === null) this.#say('ERROR', 'this chord has no notes', chord.at);
    else this.#add(chord.pitches, scaled(chord.ticks, parseLength(length)), chord.at);
  }

  #closeGrace(at: number): void {
    if (!this.#grace) this.#say('WARNING', 'no grace notes are open here', at);
    this.#graces = this.#grace ?? [];
    this.#grace = null;
  }

  #openTuplet(text: string, at: number): void {
    if (this.#tuplet) this.#say('ERROR', `the tuplet before lacks ${notes(this.#tuplet.left)}`, at);
    const [count = 0, time, left] = text
      .slice(1)
      .split(':')
      .map((part) => Number(part) || undefined);
    const usual = TUPLET_TIMES[count] ?? (this.#fields.metre?.compound ? 3 : 2);
    if (count < 2) this.#say('ERROR', 'a tuplet has two to nine notes', at);
    else this.#tuplet = { over: time ?? usual, under: count, left: left ?? count };
  }

  #breakRhythm(text: string, at: number): void {
    const parts = 2 ** text.length;
    const [long, short] = [
      { over: 2 * parts - 1, under: parts },
      { over: 1, under: parts },
    ];
    const [before, after] = text.startsWith('>') ? [long, short] : [short, long];
    if (!this.#bars.last) this.#say('ERROR', 'broken rhythm needs a note before it in the same bar', at);
    else if (!this.#bars.scaleLast(before)) this.#say('ERROR', 'the note before is too short to be broken', at);
    this.#broken = after;
  }

  #tie(at: number): void {
    const note = this.#bars.last;
    if (this.#chord || this.#grace) return;
    if (note && note.pitches.length > 0) note.tied = true;
    else this.#say('WARNING', 'a tie needs a note before it in the same bar', at);
  }

  #say(severity: ProblemSeverity, message: string, at: number): void {
    this.#problems.add(severity, message, at, this.#fields.hasKey ? this.#bars.number : null);
  }
}

const notes = (count: number): string => (count === 1 ? 'one note' : `${count} notes`);
