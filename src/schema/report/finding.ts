import type { Finding, Suggestion } from '../../report/report.ts';
import { builder } from '../builder.ts';
import { localeArgs } from '../recommend/recommendation-list.ts';

const FindingKindType = builder.enumType('FindingKind', {
  description: 'What is found in a text, and what the number of such a finding is.',
  values: {
    REPEATED_WORD: {
      description: 'A word of grammar twice in a row. Words of the sentence that repeat the one before.',
    },
    TENSE_SLIP: { description: 'A present tense in a story told in the past. Percentage of verbs in the past.' },
    WORDY: { description: 'A phrase for which there is a shorter one. Words of the sentence.' },
    FILLER: { description: 'A word that can be left out. Such words among a hundred of the sentence.' },
    LONG_SENTENCE: {
      description:
        'A sentence of more than 35 words, 80 characters in Chinese. Its length; then that of its longest part.',
    },
    EVEN_RHYTHM: {
      description: 'Six or more equally long sentences. Difference between the longest and the shortest.',
    },
    SAME_OPENING: { description: 'Three or more sentences that begin with one word. Number of sentences.' },
    REPETITION: { description: 'A word that comes back often in a short stretch. Occurrences.' },
    PASSIVE: { description: "A verb in the passive. Percentage of the text's sentences with one." },
    CLICHE: { description: 'A phrase that readers have met often. Words of the phrase.' },
    PERSON_SLIP: {
      description: 'The one "I" of a story in the third person. Percentage of pronouns in the first person.',
    },
    UNCLOSED_QUOTE: { description: 'A quotation that is not closed. Quotation marks of that kind in the paragraph.' },
    LINE_SYLLABLES: { description: 'A line longer or shorter than the others in its place. Syllables.' },
    LINE_METRE: { description: "A stress where the poem's metre has none. The syllable of the line." },
    LINE_RHYME: { description: 'Lines that rhyme in all other stanzas. Number of those stanzas.' },
    UNEXPECTED_WORD: {
      description:
        'A word that was probably written for another, of `unexpectedWords`. Surprisal of its sentence, in bits.',
    },
  } as const,
});

const FindingSuggestionType = builder.objectRef<Suggestion>('FindingSuggestion').implement({
  description: "A replacement. A report's suggestions do not overlap: all can be applied together.",
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of the first character to replace.' }),
    end: t.exposeInt('end', { description: 'The position after the last one.' }),
    text: t.exposeString('text', { description: 'What takes their place. Empty to delete them.' }),
  }),
});

export const FindingType = builder.objectRef<Finding>('Finding').implement({
  description: 'Something found in a text. Positions are in characters (Unicode code points).',
  fields: (t) => ({
    kind: t.field({ type: FindingKindType, description: 'What is found.', resolve: ({ kind }) => kind }),
    start: t.exposeInt('start', { description: 'The position of its first character, from 0.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    value: t.exposeFloat('value', { description: 'The number that `FindingKind` names for this kind, as measured.' }),
    reason: t.string({
      args: localeArgs,
      description: 'Why it is reported, in a sentence.',
      resolve: ({ reason }, { locale }) => reason[locale ?? 'EN'],
    }),
    suggestion: t.field({
      type: FindingSuggestionType,
      nullable: true,
      description:
        'What could be written instead. Null if nothing certain can be suggested, or if it would overlap with another ' +
        "finding's suggestion.",
      resolve: ({ suggestion }) => suggestion,
    }),
    valueWithSuggestion: t.exposeFloat('valueWithSuggestion', {
      nullable: true,
      description: 'The same number, measured again with the suggestion applied. Null without a suggestion.',
    }),
  }),
});
