import type { EncodedText, GlossaryTerm, LanguagePair } from '../ml/engine.ts';
import type { TextHead } from './heads/head-file.ts';

/** A label, how likely it is right, and whether it is said to be. */
export interface LabelScore {
  label: string;
  /** In [0, 1]. Labels are answered for one by one, so these need not add up to 1. */
  probability: number;
  /** The logarithm of its odds: the bias of its label and the contributions of all words. */
  score: number;
  bias: number;
  /** Whether the probability is above the label's threshold. */
  chosen: boolean;
}

/** A word's part of a label's score. */
export interface WordContribution {
  /** Its range in code points, the end not included. */
  from: number;
  to: number;
  text: string;
  contribution: number;
}

/** Where a text's mood lies in Russell's circle. */
export interface TextMood {
  /** From unpleasant, −1, to pleasant, 1. */
  valence: number;
  /** From calm, −1, to excited, 1. */
  arousal: number;
}

export interface DetectedLanguage {
  /** ISO 639-1, for example `en`. Null if the text has nothing to tell it by. */
  language: string | null;
  /** In [0, 1]: how well the text fits what is usual in the language. */
  confidence: number;
  /** Whether the text is long enough, and no other language fits nearly as well. */
  isReliable: boolean;
}

/** A text in another language. */
export interface TranslatedText extends LanguagePair {
  text: string;
  /** In (0, 1]: the geometric mean of the probabilities of its words. */
  confidence: number;
  /** What the glossary has of the text, and the translation found no place for. */
  missedTerms: readonly string[];
}

export interface TranslationInput {
  texts: readonly string[];
  /** Null: each text's own, as it is detected. */
  from: string | null;
  to: string;
  glossary: readonly GlossaryTerm[];
}

/** A text's labels, the likeliest first. */
export interface Classification {
  labels: readonly LabelScore[];
}

/** An explained classification: for each label, in the same order, its words in the text's order. */
export interface ExplainedClassification extends Classification {
  words: readonly (readonly WordContribution[])[];
}

export interface NamedClassification extends Classification {
  classifier: string;
  version: string;
}

/**
 * Services on texts. The same texts get the same answers, in any company. All throw InvalidInputError for texts that are
 * empty, too many or too long, and ModelUnavailableError while the encoder is not READY.
 */
export interface Language extends AsyncDisposable {
  /** @throws NotFoundError if there is no such classifier; ModelUnavailableError if it is damaged or of another encoder */
  classify(texts: readonly string[], classifier: string, signal: AbortSignal): Promise<readonly NamedClassification[]>;
  /** The words of each label, in the order of `classify`. @throws the same */
  explain(text: string, classifier: string, signal: AbortSignal): Promise<ExplainedClassification['words']>;
  /** How positive texts are, in (−1, 1). */
  sentiments(texts: readonly string[], signal: AbortSignal): Promise<readonly number[]>;
  moods(texts: readonly string[], signal: AbortSignal): Promise<readonly TextMood[]>;
  /** Needs no encoder. */
  detect(texts: readonly string[], signal: AbortSignal): Promise<readonly DetectedLanguage[]>;
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Pick<EncodedText, 'embedding' | 'tokens'>[]>;
  /**
   * Through English where no model has the pair.
   * @throws InvalidInputError for a pair that no models have, and for a text whose language cannot be told
   */
  translate(input: TranslationInput, signal: AbortSignal): Promise<readonly TranslatedText[]>;
  /** By name; those that are damaged are left out. */
  classifiers(): Promise<readonly TextHead[]>;
}

/** Longest text of one request, in code points. */
export const LONGEST_TEXT = 4_000;
/** Most characters of all texts that one request has translated. */
export const MOST_TRANSLATED = 20_000;
/** Most texts of one request. */
export const MOST_TEXTS = 50;
