export type {
  DetectedLanguage,
  Language,
  NamedClassification,
  TextMood,
  TranslatedText,
  TranslationInput,
  WordContribution,
} from './contract.ts';
export { createLanguage } from './create-language.ts';
export { correlate, evaluateHead } from './heads/evaluate-head.ts';
export { confusedWith } from './confusions.ts';
export { type ScoredToken, scoreTokens } from './score-tokens.ts';
export { readHead, type TextHead, writeHead } from './heads/head-file.ts';
export { checkHeadName, HeadFolder, headPath } from './heads/head-folder.ts';
export { readLabelledTexts, readLabelNames, readRatedTexts } from './heads/labelled-texts.ts';
export { trainHead } from './heads/train-head.ts';
export { sentimentOf } from './sentiment.ts';
export { type UnexpectedWord, unexpectedWords } from './unexpected-words.ts';
