import { narrated, type Reading, type ReadSentence } from '../reading/reading.ts';
import { type Candidate, fact } from './candidate.ts';
import { lengthOf } from './long-sentences.ts';

const EVEN_SENTENCES = 6;
const EVEN_SPREAD = { EN: 2, ZH: 3, OTHER: 2 } as const;
const SHORTEST = 4;
const SAME_OPENINGS = 3;
const ARTICLES = new Set(['the', 'a', 'an', '这', '那']);

/** Sentences in a row that are equally long. */
export function evenRhythm(reading: Reading): Candidate[] {
  if (reading.isVerse) return [];
  const { language } = reading;
  const length = (sentence: ReadSentence) => lengthOf(sentence, language);
  const spread = (run: readonly ReadSentence[]) => Math.max(...run.map(length)) - Math.min(...run.map(length));
  const isEven = (run: readonly ReadSentence[]) =>
    spread(run) <= EVEN_SPREAD[language] && run.every((sentence) => length(sentence) >= SHORTEST);
  return runs(reading, isEven, EVEN_SENTENCES).map((run) => {
    const [least, most] = [Math.min(...run.map(length)), Math.max(...run.map(length))];
    const range = least === most ? `${least}` : `${least} to ${most}`;
    const rangeZh = least === most ? `${least}` : `${least}至${most}`;
    return fact('EVEN_RHYTHM', whole(run), most - least, {
      EN: `${run.length} sentences in a row have ${range} ${language === 'ZH' ? 'characters' : 'words'} each.`,
      ZH: `连续${run.length}个句子的长度都是${rangeZh}个${language === 'ZH' ? '字' : '词'}。`,
    });
  });
}

/** Sentences in a row that begin with the same word. */
export function sameOpening(reading: Reading): Candidate[] {
  if (reading.isVerse) return [];
  const opening = ({ words }: ReadSentence) => words[0]?.lower ?? '';
  const isSame = (run: readonly ReadSentence[]) =>
    run.every((sentence) => opening(sentence) === opening(run[0] ?? sentence) && !ARTICLES.has(opening(sentence)));
  return runs(reading, isSame, SAME_OPENINGS).map((run) => {
    const word = run[0]?.words[0]?.text ?? '';
    return fact('SAME_OPENING', whole(run), run.length, {
      EN: `${run.length} sentences in a row begin with “${word}”.`,
      ZH: `连续${run.length}个句子都以“${word}”开头。`,
    });
  });
}

/** The longest runs of sentences of the text's own voice that have something in common, none within another. */
function runs(
  reading: Reading,
  isOne: (run: readonly ReadSentence[]) => boolean,
  fewest: number,
): (readonly ReadSentence[])[] {
  const own = new Set(narrated(reading));
  const found: ReadSentence[][] = [];
  for (const { sentences } of reading.blocks) {
    let run: ReadSentence[] = [];
    for (const sentence of sentences) {
      const longer = [...run, sentence];
      const goesOn = own.has(sentence) && isOne(longer);
      if (!goesOn && run.length >= fewest) found.push(run);
      if (goesOn) run = longer;
      else run = own.has(sentence) && isOne([sentence]) ? [sentence] : [];
    }
    if (run.length >= fewest) found.push(run);
  }
  return found;
}

const whole = (run: readonly ReadSentence[]) => ({ start: run[0]?.start ?? 0, end: run.at(-1)?.end ?? 0 });
