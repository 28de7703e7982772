import { homophonesOf, type VerseWords } from '../verse/verse.ts';

/** Words of English that are written for each other and that spelling checks accept, but for those that sound alike. */
const CONFUSED: readonly (readonly string[])[] = [
  ['accept', 'except'],
  ['advice', 'advise'],
  ['affect', 'effect'],
  ['angel', 'angle'],
  ['breath', 'breathe'],
  ['casual', 'causal'],
  ['chose', 'choose'],
  ['clothes', 'cloths'],
  ['dairy', 'diary'],
  ['desert', 'dessert'],
  ['form', 'from'],
  ['later', 'latter'],
  ['lead', 'led'],
  ['loose', 'lose'],
  ['moral', 'morale'],
  ['of', 'off'],
  ['personal', 'personnel'],
  ['quiet', 'quite'],
  ['than', 'then'],
  ['though', 'thought', 'through', 'tough'],
  ['trail', 'trial'],
  ['untied', 'united'],
  ['were', 'where', "we're"],
  ['worse', 'worst'],
  ['your', "you're"],
  ['their', 'there', "they're"],
  ['its', "it's"],
  ['whose', "who's"],
  ['lets', "let's"],
  ['to', 'too', 'two'],
];

/** The words that a word is easily confused with, those that are most often meant first. @param word in lower case */
export function confusedWith(words: VerseWords, word: string): string[] {
  const listed = CONFUSED.filter((group) => group.includes(word)).flat();
  return [...new Set([...listed, ...homophonesOf(words, word)])].filter((other) => other !== word);
}
