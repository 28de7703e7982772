import { u32 } from '../lib/typed-arrays.ts';
import type { LineForm } from './contract.ts';
import { allShapes, fitsMetre, shapeBit } from './shapes.ts';
import type { WordSet } from './word-set.ts';

/** Which words may stand where in one line, so that the line can always be finished as its form requires. */
export interface LinePlan {
  /** The words that may be followed by another, and those that may end the line. */
  readonly inner: WordSet;
  readonly final: WordSet;
  /** The shapes of such a word that may begin at each syllable, from 0. // [most + 1] */
  readonly innerShapes: Uint32Array;
  readonly finalShapes: Uint32Array;
}

/**
 * Works backwards from the end of the line: a word may be followed by another only where the line can still be finished.
 * Words of one syllable fit anywhere, so a line can be finished if its last word can.
 */
export function planLine(form: LineForm, inner: WordSet, final: WordSet): LinePlan {
  const innerShapes = new Uint32Array(form.most + 1);
  const finalShapes = new Uint32Array(form.most + 1);
  for (let at = form.most - 1; at >= 0; at--) {
    finalShapes[at] = shapesAt(at, form, (end) => end >= form.least && end <= form.most);
    innerShapes[at] = shapesAt(at, form, (end) => canFinish(end));
  }
  return { inner, final, innerShapes, finalShapes };

  function canFinish(at: number): boolean {
    if (at >= form.most) return false;
    return (u32(finalShapes, at) & u32(final.below, 0)) !== 0 || (u32(innerShapes, at) & u32(inner.below, 0)) !== 0;
  }
}

function shapesAt(at: number, { metre }: LineForm, mayEndAt: (syllable: number) => boolean): number {
  return allShapes
    .filter((shape) => fitsMetre(shape, at, metre) && mayEndAt(at + shape.syllables))
    .reduce((bits, { syllables, stress }) => bits | shapeBit(syllables, stress), 0);
}

/** The shapes of the words that can end a line of this form. */
export function endingShapes(form: LineForm): number {
  let bits = 0;
  for (let at = 0; at < form.most; at++) {
    bits |= shapesAt(at, form, (end) => end >= form.least && end <= form.most);
  }
  return bits;
}
