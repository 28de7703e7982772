/** The seven modes, each by the first three letters of its name. */
const MODES = {
  ion: { name: 'MAJOR', steps: 0 },
  mix: { name: 'MIXOLYDIAN', steps: -1 },
  dor: { name: 'DORIAN', steps: -2 },
  aeo: { name: 'MINOR', steps: -3 },
  phr: { name: 'PHRYGIAN', steps: -4 },
  loc: { name: 'LOCRIAN', steps: -5 },
  lyd: { name: 'LYDIAN', steps: 1 },
} as const;
const SPELLINGS: Readonly<Record<string, keyof typeof MODES>> = { '': 'ion', maj: 'ion', m: 'aeo', min: 'aeo' };

export type Mode = (typeof MODES)[keyof typeof MODES]['name'];

export interface Key {
  /** For example `Bb`. Null for a tune without a key (`K:none`) and for the highland pipes. */
  readonly tonic: string | null;
  readonly mode: Mode;
  /** Semitones by letter: the key signature. */
  readonly alterations: Readonly<Record<string, number>>;
}

/** Sharps of the major keys on the letters, in the circle of fifths. */
const FIFTHS: Readonly<Record<string, number>> = { F: -1, C: 0, G: 1, D: 2, A: 3, E: 4, B: 5 };
const SHARPS = 'FCGDAEB';
const MOST_ALTERED = 7;

/** The suffix that ABC writes for a mode: `dor`, `m`. */
const SUFFIXES: Readonly<Record<Mode, string>> = {
  MAJOR: '',
  MINOR: 'm',
  DORIAN: 'dor',
  MIXOLYDIAN: 'mix',
  PHRYGIAN: 'phr',
  LYDIAN: 'lyd',
  LOCRIAN: 'loc',
};

/** The number of sharps of a key; negative for flats. */
export function sharpsOf(tonic: string, mode: Mode): number {
  const steps = Object.values(MODES).find(({ name }) => name === mode)?.steps ?? 0;
  const accidental = tonic.endsWith('#') ? 7 : tonic.endsWith('b') ? -7 : 0;
  return (FIFTHS[tonic.slice(0, 1)] ?? 0) + accidental + steps;
}

/** A key by its tonic and mode. Null if it would need more than seven sharps or flats. */
export function modalKey(tonic: string, mode: Mode): Key | null {
  const sharps = sharpsOf(tonic, mode);
  return Math.abs(sharps) > MOST_ALTERED ? null : { tonic, mode, alterations: signatureOf(sharps) };
}

function signatureOf(sharps: number): Record<string, number> {
  const letters = sharps >= 0 ? SHARPS.slice(0, sharps) : SHARPS.slice(MOST_ALTERED + sharps);
  return Object.fromEntries(Array.from(letters, (letter) => [letter, Math.sign(sharps)]));
}

/** What ABC writes for a key: `Ador`. */
export const keyText = ({ tonic, mode }: Pick<Key, 'tonic' | 'mode'>): string =>
  tonic === null ? 'none' : tonic + SUFFIXES[mode];

/**
 * Reads a field's value such as `G`, `E minor`, `Bb mix` or `D =c`. Clefs and other settings are left out.
 * @returns null if it is no key
 */
export function parseKey(value: string): Key | null {
  const text = value.replace(/\b(clef|middle|octave|stafflines|transpose)=\S*/g, '').trim();
  if (text === '' || /^none\b/i.test(text)) return { tonic: null, mode: 'MAJOR', alterations: {} };
  if (/^H[Pp]\b/.test(text)) return { tonic: null, mode: 'MAJOR', alterations: signatureOf(2) };
  const [, letter = '', accidental = '', word = '', rest = ''] = /^([A-G])([#b]?)\s*([A-Za-z]*)(.*)$/.exec(text) ?? [];
  const mode = modeNamed(word);
  if (letter === '' || mode === null) return null;
  const key = modalKey(letter + accidental, mode);
  return key && { ...key, alterations: { ...key.alterations, ...alterationsIn(rest) } };
}

function modeNamed(word: string): Mode | null {
  const short = word.toLowerCase().slice(0, 3);
  if (['tre', 'bas', 'alt', 'ten', 'exp'].includes(short)) return 'MAJOR';
  const name = SPELLINGS[short] ?? (Object.keys(MODES) as (keyof typeof MODES)[]).find((mode) => mode === short);
  return name === undefined ? null : MODES[name].name;
}

/** Accidentals that a key adds or takes away: `^f =c`. */
function alterationsIn(text: string): Record<string, number> {
  const found = text.matchAll(/(\^|_|=)([A-Ga-g])/g);
  const semitones = { '^': 1, _: -1, '=': 0 };
  return Object.fromEntries(
    Array.from(found, ([, sign, letter = '']) => [letter.toUpperCase(), semitones[sign as keyof typeof semitones]]),
  );
}
