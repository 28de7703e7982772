import type { LogitBias } from '../contract.ts';

/** A bias in the tokens of one model. It is plain data, so that it can be passed to another thread. */
export interface TokenBias {
  tokens: readonly number[];
  /** Added to scores, in natural logarithms. */
  bias: number;
}

/**
 * A text is biased as written and with a leading space, because within a sentence a word's token includes the space.
 * @param encode encodes as text: control tokens that are spelled out are not recognised
 */
export function resolveBiases(biases: readonly LogitBias[], encode: (text: string) => number[]): TokenBias[] {
  return biases.flatMap(({ text, bias }) => {
    const forms = /^\s/.test(text) ? [text] : [text, ` ${text}`];
    return forms.map((form) => ({ tokens: encode(form), bias }));
  });
}
