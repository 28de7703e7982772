import type { LogitBias } from '../contract.ts';

/** A bias in the tokens of one model; plain data, so that it may be handed to another thread. */
export interface TokenBias {
  tokens: readonly number[];
  /** Added to scores, in natural logarithms. */
  bias: number;
}

/**
 * A text is biased as it is written and with a space before it: within a sentence a word's token includes the space.
 * @param encode text only: control tokens that are spelled out are no tokens
 */
export function resolveBiases(biases: readonly LogitBias[], encode: (text: string) => number[]): TokenBias[] {
  return biases.flatMap(({ text, bias }) => {
    const forms = /^\s/.test(text) ? [text] : [text, ` ${text}`];
    return forms.map((form) => ({ tokens: encode(form), bias }));
  });
}
