import { narrated, type Reading, type ReadSentence, type ReadWord } from '../reading/reading.ts';
import { isGrammatical } from '../reading/sentences.ts';
import { type Candidate, fact, round } from './candidate.ts';

const BE = new Set(['is', 'are', 'was', 'were', 'be', 'been', 'being', "isn't", "aren't", "wasn't", "weren't"]);
/** Participles of verbs that are irregular. */
const IRREGULAR = new Set(
  (
    'beaten bitten blown bought brought built caught chosen cut dealt drawn driven eaten fed felled fought forbidden ' +
    'forgiven forgotten frozen given ground heard held hidden hit hung kept known laid led left lent lit made meant met ' +
    'overthrown paid put read rewritten ridden rung said sent sewn shaken shot shown sold spoken spent stolen struck sung ' +
    'sunk swept sworn taken taught thought thrown told torn understood woken won worn woven written'
  ).split(' '),
);
/** Participles that describe a state rather than what is done to somebody. */
const STATES = new Set(
  (
    'advanced alarmed allied amazed amused annoyed armed ashamed astonished aged balanced based bored broken closed complicated ' +
    'concerned confused connected convinced crowded dated dedicated delighted deserted detailed determined devoted ' +
    'disappointed discouraged disgusted distinguished divided divorced dressed educated embarrassed engaged enlightened ' +
    'enraged excited exhausted experienced fascinated finished flawed fixed frightened frustrated furnished gifted given ' +
    'haunted horrified hundred inclined indeed infected inspired interested involved irritated isolated left limited ' +
    'located married meant mixed moved naked need obliged occupied opposed overgrown packed pleased prepared puzzled red ' +
    'related relaxed relieved required retired sacred satisfied scared scattered shattered shocked settled shut ' +
    'skilled sophisticated spent supposed surprised talented tempted terrified thrilled tired troubled unexpected ' +
    'united unused upset used varied wasted wicked worn worried wounded wretched'
  ).split(' '),
);
const BETWEEN = /^(?:not|never|also|always|often|still|now|then|already|soon|all|both|only|even|just|\p{L}+ly)$/u;

/** Verbs in the passive, in the text's own voice. */
export function passives(reading: Reading): Candidate[] {
  if (reading.isVerse || reading.language !== 'EN') return [];
  const sentences = narrated(reading);
  const share = round((100 * passiveSentences(reading)) / Math.max(1, sentences.length), 1);
  return sentences.flatMap((sentence) =>
    passivesIn(sentence).map(([be, participle]) => {
      const phrase = reading.text.slice(be.start, participle.end);
      return fact('PASSIVE', { start: be.start, end: participle.end }, share, {
        EN: `“${phrase}” is in the passive, as in ${share} % of the sentences.`,
        ZH: `“${phrase}”是被动语态；全文${share}%的句子用了被动语态。`,
      });
    }),
  );
}

/** Number of sentences of the text's own voice with a verb in the passive. */
export const passiveSentences = (reading: Reading): number =>
  narrated(reading).filter((sentence) => passivesIn(sentence).length > 0).length;

function passivesIn(sentence: ReadSentence): [ReadWord, ReadWord][] {
  const { words, text, start } = sentence;
  if (!isGrammatical(sentence)) return [];
  return words.flatMap((word, i): [ReadWord, ReadWord][] => {
    if (!BE.has(word.lower)) return [];
    let at = i + 1;
    while (BETWEEN.test(words[at]?.lower ?? '')) at++;
    const participle = words[at];
    if (!participle || !isParticiple(participle, words[at + 1])) return [];
    const between = text.slice(word.end - start, participle.start - start);
    return /[,;:.()“”"]/.test(between) ? [] : [[word, participle]];
  });
}

/** "Born" and "related" are states; "a related word" is none of a verb. */
function isParticiple({ lower, tags }: ReadWord, next: ReadWord | undefined): boolean {
  if (STATES.has(lower) || lower.startsWith('un') || lower.includes('-')) return false;
  if (tags.has('Adjective') && next?.lower !== 'by') return false;
  // "Was wanted boys" does not occur; "are scaled drawings" does.
  if (next?.tags.has('Noun') && !next.tags.has('Pronoun') && !next.tags.has('Determiner') && tags.has('Adjective'))
    return false;
  return IRREGULAR.has(lower) || (/[a-z]{2}ed$/.test(lower) && tags.has('Verb'));
}
