/**
 * Decides, token by token, what may come next in one text: a grammar, a metre, phrases that must not occur. Which tokens it
 * allows must be a function of the tokens that it has accepted and of nothing else: a draft that is taken up again goes
 * through `accept` with the tokens that were recorded (SPEC [GEN3], [GEN9]).
 */
export interface Constraint {
  /** Clears the bits of the tokens that may not come next: token `id` is bit `id & 31` of word `id >> 5`. */
  mask(allowed: Uint32Array): void;
  /** The token that came next. */
  accept(token: number): void;
}

/** A set of all tokens, of a size that `Constraint.mask` takes. */
export function allTokens(vocab: number): Uint32Array {
  return new Uint32Array(Math.ceil(vocab / 32)).fill(0xffffffff);
}

export function forbid(allowed: Uint32Array, token: number): void {
  allowed[token >> 5] = (allowed[token >> 5] as number) & ~(1 << (token & 31));
}
