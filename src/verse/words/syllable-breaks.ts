import { f64, u8 } from '../../lib/typed-arrays.ts';

/** Letters that a consonant may be written with, by its sound in ARPAbet. */
const SPELLINGS: Readonly<Record<string, string>> = {
  B: 'b bb',
  CH: 'ch tch t c cc ti',
  D: 'd dd ed ld',
  DH: 'th',
  F: 'f ff ph gh ft',
  G: 'g gg gh gu',
  HH: 'h wh',
  JH: 'j g dg d dj gg',
  K: 'k c ck ch cc q qu kk lk cq',
  L: 'l ll sl',
  M: 'm mm mb mn lm',
  N: 'n nn kn gn mp nd pn',
  NG: 'ng n',
  P: 'p pp',
  R: 'r rr wr rh',
  S: 's ss c sc ps st sw z',
  SH: 'sh s ss t c ch sch ti ci si ssi sci',
  T: 't tt ed bt ght pt th',
  TH: 'th',
  V: 'v f ve',
  W: 'w wh u o',
  Y: 'y i j u',
  Z: 'z zz s ss x',
  ZH: 's z g si ti',
};
const spellings = new Map(Object.entries(SPELLINGS).map(([sound, letters]) => [sound, new Set(letters.split(' '))]));
const VOWEL = /^[aeiouy]+(?:w|gh|ugh|h)?$/;
const COLOURED = /^[aeiouy]+r{1,2}$/;
const CONSONANTS = /^[^aeiouy]+$/;
/** Letters of a sound, the usual numbers first. */
const LENGTHS = [1, 2, 0, 3, 4];
/** How many more or fewer letters than sounds a beginning of a word may have. */
const SLACK = 4;
/** What may begin a syllable beside a single consonant; clusters with S only behind a vowel without stress: a-sleep. */
const ONSETS = new Set(
  'B L,B R,D R,F L,F R,G L,G R,K L,K R,K W,P L,P R,T R,T W,TH R,SH R,HH W,D W'
    .split(',')
    .flatMap((cluster) => [cluster, `S ${cluster}`]),
);
const AFTER_S = new Set(['K', 'L', 'M', 'N', 'P', 'T', 'W']);
/** Stressed, these are said with the consonant behind them: riv-er, moth-er. */
const SHORT = new Set(['AE1', 'EH1', 'IH1', 'AH1', 'UH1']);
/** Letters for one sound that end a syllable, and those that cannot be parted. */
const CLOSING = /^(?:ck|x|ng|tch|dg)$/;
const TOGETHER = /^(?:ch|sh|th|ph|wh|qu|gu|gh|wr|kn|gn|sc|sch|ps|.[aeiouy].*)$/;

/**
 * Where the syllables of a word begin, as positions of its letters, without the first. It lays the word's sounds along
 * its letters, and parts them as printed songs do: lit-tle, riv-er, a-way.
 * @param sounds in ARPAbet, separated by spaces
 */
export function syllableBreaks(word: string, sounds: string): number[] {
  const said = sounds.split(' ');
  const starts = align(word, said);
  const vowels = [...said.keys()].filter((i) => isVowel(said[i]));
  const breaks = vowels.slice(1).map((vowel, i) => {
    const onset = onsetOf(said, vowels[i] ?? 0, vowel);
    const [from = 0, to = word.length] = [starts[onset], starts[onset + 1]];
    const isSingle = onset === vowel - 1 && isVowel(said[onset - 1]);
    return isSingle ? from + closedLetters(word.slice(from, to), said[onset - 1] ?? '') : from;
  });
  return apart(breaks, word.length);
}

/** Each syllable has a letter, also where one letter stands for two sounds: rhyth-m. */
function apart(breaks: readonly number[], length: number): number[] {
  const placed: number[] = [];
  breaks.forEach((at, i) => {
    const most = length - (breaks.length - i);
    placed.push(Math.min(most, Math.max(at, (placed.at(-1) ?? 0) + 1)));
  });
  return placed;
}

/** The first sound of the syllable with a vowel: as many consonants as English allows. */
function onsetOf(said: readonly string[], before: number, vowel: number): number {
  const isStressed = said[before]?.endsWith('1') ?? false;
  let onset = vowel;
  while (onset > before + 1 && isOnset(said.slice(onset - 1, vowel), isStressed)) onset--;
  return onset;
}

function isOnset([first = '', second = '', ...more]: readonly string[], afterStress: boolean): boolean {
  if (second === '') return first !== 'NG' && first !== 'ZH';
  if (first === 'S' && afterStress) return false;
  return ONSETS.has([first, second, ...more].join(' ')) || (first === 'S' && more.length === 0 && AFTER_S.has(second));
}

/** Of the letters of a single consonant, how many belong to the syllable before it. */
function closedLetters(letters: string, vowelBefore: string): number {
  if (CLOSING.test(letters)) return letters.length;
  if (letters.length > 1 && !TOGETHER.test(letters)) return 1;
  return SHORT.has(vowelBefore) ? letters.length : 0;
}

const isVowel = (sound = ''): boolean => /\d$/.test(sound);

/** The position of the first letter of each sound, where the letters suit the sounds best. */
function align(word: string, said: readonly string[]): number[] {
  const end = word.length;
  const width = end + 1;
  const costs = new Float64Array((said.length + 1) * width).fill(Infinity);
  const lengths = new Uint8Array(said.length * width);
  costs[said.length * width + end] = 0;
  for (let sound = said.length - 1; sound >= 0; sound--) {
    const left = said.length - sound;
    for (let at = Math.max(0, sound - SLACK, end - 2 * left - SLACK); at <= Math.min(end, end - left + SLACK); at++) {
      for (const length of LENGTHS) {
        const rest = at + length > end ? Infinity : f64(costs, (sound + 1) * width + at + length);
        if (rest >= f64(costs, sound * width + at)) continue;
        const cost = rest + knownCost(word.slice(at, at + length), said[sound] ?? '');
        if (cost >= f64(costs, sound * width + at)) continue;
        costs[sound * width + at] = cost;
        lengths[sound * width + at] = length;
      }
    }
  }
  let at = 0;
  return said.map((_, sound) => {
    const from = at;
    at += u8(lengths, sound * width + at);
    return from;
  });
}

/** The same few letters stand for the same sounds in thousands of words. */
const known = new Map<string, Map<string, number>>();

function knownCost(letters: string, sound: string): number {
  let ofSound = known.get(sound);
  if (!ofSound) known.set(sound, (ofSound = new Map<string, number>()));
  const found = ofSound.get(letters);
  if (found !== undefined) return found;
  const cost = costOf(letters, sound.replace(/\d$/, ''), isVowel(sound));
  ofSound.set(letters, cost);
  return cost;
}

/** How ill these letters suit a sound. */
function costOf(letters: string, sound: string, isVowelSound: boolean): number {
  if (letters === '') return isVowelSound ? 3 : 1;
  if (letters.includes("'")) return costOf(letters.replaceAll("'", ''), sound, isVowelSound) + 0.1;
  if (isVowelSound) {
    if (sound === 'ER' && COLOURED.test(letters)) return 0;
    if (sound === 'ER' && /^r{1,2}e?$/.test(letters)) return 0.3;
    return VOWEL.test(letters) ? 0.2 * (letters.length - 1) : 6;
  }
  if (spellings.get(sound)?.has(letters)) return 0;
  // Letters that are not said: "have".
  if (letters.endsWith('e') && spellings.get(sound)?.has(letters.slice(0, -1))) return 0.4;
  return CONSONANTS.test(letters) ? letters.length : 5;
}
