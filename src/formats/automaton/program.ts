/** Positions are indices into the program's code. */
export type Instruction =
  | { op: 'byte'; set: number; next: number }
  | { op: 'either'; targets: readonly number[] }
  /** The body any number of times; it comes back here by itself. */
  | { op: 'loop'; body: number; next: number }
  /** A rule, and back to `next`. */
  | { op: 'call'; rule: number; next: number }
  /** A rule, and back to whoever called this one. */
  | { op: 'jump'; rule: number }
  /** The body, counted. `most` is null without a limit. */
  | { op: 'repeat'; body: number; least: number; most: number | null; next: number }
  | { op: 'return' };

/** A grammar as code. */
export interface Program {
  code: readonly Instruction[];
  start: number;
  /** Where each rule begins, by its number. */
  entries: readonly number[];
  /** By their numbers. */
  rules: readonly string[];
  /** The length in bytes of the shortest text from each instruction to the end of its rule or body // [code] */
  shortest: Float64Array;
  /** The class of each byte // [256] */
  classOf: Uint8Array;
  classes: number;
  /** The classes of each set // [sets][classes] */
  sets: readonly Uint8Array[];
}

export const ALL_BYTES: ReadonlySet<number> = new Set(Array.from({ length: 256 }, (_, byte) => byte));

/** A format that cannot be kept, or is larger than the bounds. */
export class FormatError extends Error {}
