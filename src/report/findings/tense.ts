import nlp from 'compromise';
import type { Suggestion } from '../contract.ts';
import { narrated, type Reading, type ReadSentence, type ReadWord } from '../reading/reading.ts';
import { isGrammatical } from '../reading/sentences.ts';
import { type Candidate, fact, round } from './candidate.ts';

/** Only verbs right after these are counted, since there a verb is finite for certain. */
const SUBJECTS = new Set(['he', 'she', 'i', 'we', 'they']);
const IN_PRESENT = new Set(['he', 'she']);
const FEWEST = 8;
const MAIN_SHARE = 0.85;
/** What holds at any time is told in the present. */
const GENERAL =
  /\b(?:always|never|still|now|today|nowadays|often|usually|sometimes|every|whenever|if|when|who|what|that|because|as)\b/i;

interface Tenses {
  past: ReadWord[];
  present: ReadWord[];
}

/** Verbs in the present where a story is told in the past. The other way round is a memory as often as a slip. */
export function tenseSlips(reading: Reading): Candidate[] {
  if (reading.isVerse || reading.language !== 'EN') return [];
  const all = tensesOf(reading);
  const total = all.past.length + all.present.length;
  if (total < FEWEST || all.past.length / total < MAIN_SHARE) return [];
  const share = (past: number, present: number) => round((100 * past) / Math.max(1, past + present), 1);
  return narrated(reading).flatMap((sentence) => {
    const own = tensesIn(sentence);
    if (own.present.length !== 1 || GENERAL.test(sentence.text)) return [];
    return own.present.flatMap((verb): Candidate[] => {
      const subject = sentence.words[sentence.words.indexOf(verb) - 1];
      if (!subject || !IN_PRESENT.has(subject.lower)) return [];
      const suggestion = inPast(subject, verb);
      const again = (after: Reading): number => {
        const { past, present } = tensesOf(after);
        const others = { past: all.past.length - own.past.length, present: all.present.length - own.present.length };
        return share(others.past + past.length, others.present + present.length);
      };
      return [
        {
          ...{
            kind: 'TENSE_SLIP',
            start: verb.start,
            end: verb.end,
            value: share(all.past.length, all.present.length),
          },
          reason: {
            EN: `“${verb.text}” is in the present; ${all.past.length} of ${total} verbs that tell the story are in the past.`,
            ZH: `“${verb.text}”是现在时；叙述用的${total}个动词中有${all.past.length}个是过去时。`,
          },
          suggestion,
          again: suggestion && again,
        },
      ];
    });
  });
}

function tensesOf(reading: Reading): Tenses {
  const found = narrated(reading).map(tensesIn);
  return { past: found.flatMap(({ past }) => past), present: found.flatMap(({ present }) => present) };
}

function tensesIn(sentence: ReadSentence): Tenses {
  if (!isGrammatical(sentence)) return { past: [], present: [] };
  const verbs = sentence.words.filter((word, i) => {
    const [before, next] = [sentence.words[i - 1], sentence.words[i + 1]];
    // "Does" and "has" help another verb.
    return before && SUBJECTS.has(before.lower) && word.tags.has('Verb') && !next?.tags.has('Verb');
  });
  return {
    past: verbs.filter(({ tags }) => tags.has('PastTense')),
    present: verbs.filter(({ tags, lower }) => tags.has('PresentTense') && !tags.has('PastTense') && !SAME.has(lower)),
  };
}

/** Verbs whose past looks like their present. */
const SAME = new Set('put cut let set hit shut hurt cost read beat spread cast burst quit split bet rid'.split(' '));

function inPast(subject: ReadWord, verb: ReadWord): Suggestion | null {
  const told = nlp(`${subject.lower} ${verb.lower}`).verbs().toPastTense().text().split(' ').at(-1) ?? '';
  const read = nlp(`${subject.lower} ${told}`).terms().last().has('#PastTense');
  if (!read || !/^[a-z]+$/.test(told) || told === verb.lower || told === subject.lower) return null;
  return { start: verb.start, end: verb.end, text: told };
}

const FIRST = new Set(['i', 'me', 'my', 'mine', 'myself', "i'm", "i've", "i'd", "i'll"]);
const THIRD = new Set(['he', 'him', 'his', 'she', 'her', 'hers', 'they', 'them', 'their', 'himself', 'herself']);
const FEWEST_THIRD = 12;

/** The one "I" of a story that is told of others. */
export function personSlips(reading: Reading): Candidate[] {
  if (reading.isVerse || reading.language !== 'EN') return [];
  const words = narrated(reading).flatMap((sentence) => sentence.words);
  const first = words.filter(({ lower }) => FIRST.has(lower));
  const third = words.filter(({ lower }) => THIRD.has(lower)).length;
  const [slip] = first;
  if (!slip || first.length > 1 || third < FEWEST_THIRD) return [];
  return [
    fact('PERSON_SLIP', slip, round((100 * first.length) / (first.length + third), 1), {
      EN: `“${slip.text}” is the only word in the first person outside quotations, beside ${third} in the third.`,
      ZH: `“${slip.text}”是引号之外唯一的第一人称，第三人称有${third}处。`,
    }),
  ];
}
