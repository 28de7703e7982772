import { digestOfText } from '../../lib/text/digest.ts';
import { type AbcTokenizer, countSymbols, createAbcTokenizer } from '../abc/tokenizer.ts';
import type { Corpus } from './read-corpus.ts';
import { transposedEpochs } from './transposed-epochs.ts';

/** A corpus as numbers: what a model of tunes learns from. */
export interface TrainingSet {
  tokenizer: AbcTokenizer;
  /** The vocabulary behind marks and bytes, in the order of ids. */
  symbols: readonly string[];
  /** Every tune once, between the marks for start and end. A function of the epoch's number. */
  epoch: (number: number) => number[][];
  validation: readonly number[][];
  test: readonly number[][];
  /** Tells these texts from others. */
  identity: string;
}

interface TrainingSetOptions {
  /** Share of the tunes that is in another key in each epoch. */
  transposed: number;
  seed: number;
}

/** Rarer symbols are spelled in bytes. They are counted in the first epochs, whose tunes are in several keys. */
const FEWEST_OCCURRENCES = 4;
const COUNTED_EPOCHS = 3;

export function trainingSet({ parts }: Corpus, options: TrainingSetOptions): TrainingSet {
  const epochTexts = transposedEpochs(parts.train, options);
  const counted = Array.from({ length: COUNTED_EPOCHS }, (_, epoch) => epochTexts(epoch)).flat();
  const symbols = countSymbols(counted, FEWEST_OCCURRENCES);
  const tokenizer = createAbcTokenizer(symbols);
  const marked = (abc: string) => [tokenizer.start, ...tokenizer.encode(abc), tokenizer.end];
  const texts = (part: 'train' | 'validation' | 'test') => parts[part].map(({ abc }) => abc);
  return {
    ...{ tokenizer, symbols },
    epoch: (number) => epochTexts(number).map(marked),
    validation: texts('validation').map(marked),
    test: texts('test').map(marked),
    identity: digestOfText(JSON.stringify([texts('train'), texts('validation'), options])),
  };
}
