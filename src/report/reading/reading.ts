import type { ReportLanguage, TextSpan } from '../contract.ts';

export interface ReadWord extends TextSpan {
  text: string;
  /** In lower case, with straight apostrophes. */
  lower: string;
  /** Parts of speech as compromise names them (`Verb`, `PastTense`). Empty where they are unknown. */
  tags: ReadonlySet<string>;
}

export interface ReadSentence extends TextSpan {
  text: string;
  words: readonly ReadWord[];
  /** Whether part of it is between quotation marks. */
  isQuoted: boolean;
}

/** A paragraph of prose, or a stanza. */
export interface ReadBlock extends TextSpan {
  sentences: readonly ReadSentence[];
}

/** A text as all findings see it. */
export interface Reading {
  text: string;
  language: ReportLanguage;
  isVerse: boolean;
  blocks: readonly ReadBlock[];
  sentences: readonly ReadSentence[];
  /** What stands between quotation marks, the marks included. */
  quotes: readonly TextSpan[];
}

/** Where a finding speaks of the text's own voice, what others say in it does not count. */
export const narrated = ({ sentences }: Reading): readonly ReadSentence[] =>
  sentences.filter(({ isQuoted }) => !isQuoted);
