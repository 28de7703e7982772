import type { VerseMetre } from '../verse/verse.ts';

/** A part of a text, in UTF-16 code units. `end` is exclusive. */
export interface TextSpan {
  start: number;
  end: number;
}

/** Languages that texts are read in. OTHER: only what needs no grammar is found. */
export type ReportLanguage = 'EN' | 'ZH' | 'OTHER';

/**
 * What is found, in the order in which suggestions are preferred where they overlap. The schema says
 * what each one's number is.
 */
export type FindingKind =
  | 'REPEATED_WORD'
  | 'TENSE_SLIP'
  | 'WORDY'
  | 'FILLER'
  | 'LONG_SENTENCE'
  | 'EVEN_RHYTHM'
  | 'SAME_OPENING'
  | 'REPETITION'
  | 'PASSIVE'
  | 'CLICHE'
  | 'PERSON_SLIP'
  | 'UNCLOSED_QUOTE'
  | 'LINE_SYLLABLES'
  | 'LINE_METRE'
  | 'LINE_RHYME'
  | 'UNEXPECTED_WORD';

/** A sentence in each language that people read reports in. */
export interface Sentences {
  EN: string;
  ZH: string;
}

export interface Suggestion extends TextSpan {
  /** What takes the range's place; empty to delete it. */
  text: string;
}

export interface Finding extends TextSpan {
  kind: FindingKind;
  /** Measured in the text as it is. */
  value: number;
  reason: Sentences;
  /** Null where nothing certain can be suggested, or where an overlapping finding's suggestion is preferred. */
  suggestion: Suggestion | null;
  /** The same number, measured again after the suggestion was applied. Null without one. */
  valueWithSuggestion: number | null;
}

/** Numbers about a whole text. Shares are in [0, 1]. */
export interface TextMeasures {
  words: number;
  sentences: number;
  /** Mean and standard deviation of the sentences' lengths: words, in Chinese characters. */
  meanSentence: number;
  sentenceDeviation: number;
  /** Flesch–Kincaid grade (Kincaid et al. 1975). Null unless the text is English prose of ten words or more. */
  readingGrade: number | null;
  /** Different words among any hundred in a row, on average (MATTR, Covington & McFall 2010). Null below a hundred. */
  variety: number | null;
  /** Characters between quotation marks. */
  dialogueShare: number;
  /** Sentences with a passive verb. Null unless the text is English. */
  passiveShare: number | null;
  /** Words that only fill. */
  fillerShare: number;
}

/** The mood of a stretch of text: the mean valence of its words, from −1 (AFINN's worst) to 1. Null if none has one. */
export interface MoodPoint extends TextSpan {
  valence: number | null;
}

export interface VerseLine extends TextSpan {
  /** Null if a word's pronunciation is not certain. */
  syllables: number | null;
  /** Lines of the stanza with the same letter rhyme. `-` for a line that rhymes with none, `?` if that is not certain. */
  rhyme: string;
}

export interface VerseReport {
  stanzas: readonly { lines: readonly VerseLine[] }[];
  /** The metre that the words' stresses keep, if they keep one. */
  metre: VerseMetre | null;
  /** The share of words of two and more syllables whose stress falls where that metre has it. */
  metreShare: number | null;
}

export interface TextReport {
  language: ReportLanguage;
  measures: TextMeasures;
  /** The same after all suggestions were applied together. */
  measuresWithSuggestions: TextMeasures;
  mood: readonly MoodPoint[];
  /** Null for prose. */
  verse: VerseReport | null;
  /** In the order of the text; at most MOST_FINDINGS. */
  findings: readonly Finding[];
  /** The number of all findings. */
  findingCount: number;
}

export const MOST_FINDINGS = 500;
/** The longest text that is analysed, in UTF-16 code units. */
export const MOST_CHARACTERS = 200_000;
