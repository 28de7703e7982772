/**
 * Decides token by token what may come next in a text: a grammar, a metre, banned phrases. The allowed tokens must
 * depend only on the accepted tokens, because a resumed draft calls `accept` with the recorded tokens ([GEN3], [GEN9]).
 */
export interface Constraint {
  /** Clears the bits of the tokens that must not come next. Token `id` is bit `id & 31` of word `id >> 5`. */
  mask(allowed: Uint32Array): void;
  /** Takes the token that came next. */
  accept(token: number): void;
}

/** Allows what each of them allows. */
export function intersectionOf(constraints: readonly Constraint[]): Constraint {
  return {
    mask: (allowed) => {
      for (const constraint of constraints) constraint.mask(allowed);
    },
    accept: (token) => {
      for (const constraint of constraints) constraint.accept(token);
    },
  };
}

/** The set of all tokens, in the form that `Constraint.mask` takes. */
export function allTokens(vocab: number): Uint32Array {
  return new Uint32Array(Math.ceil(vocab / 32)).fill(0xffffffff);
}

export function forbid(allowed: Uint32Array, token: number): void {
  allowed[token >> 5] = (allowed[token >> 5] as number) & ~(1 << (token & 31));
}
