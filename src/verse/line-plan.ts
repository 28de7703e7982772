import { u32 } from '../lib/typed-arrays.ts';
import type { LineForm } from './contract.ts';
import { allShapes, fitsBeats, fitsMetre, shapeBit } from './shapes.ts';
import type { WordSet } from './words/word-set.ts';

/** Which words may stand where in one line, so that the line can always be finished as its form requires. */
export interface LinePlan {
  /** The words that may be followed by another, and those that may end the line. */
  readonly inner: WordSet;
  readonly final: WordSet;
  /** The shapes of such a word that may begin at each syllable, from 0. // [most + 1] */
  readonly innerShapes: Uint32Array;
  readonly finalShapes: Uint32Array;
}

export function planLine(form: LineForm, inner: WordSet, final: WordSet): LinePlan {
  return { inner, final, ...shapesOfLine(form, u32(inner.below, 0), u32(final.below, 0)) };
}

/**
 * Whether there is a line of this form.
 * @param inner the shapes of the words that may be followed by another
 * @param final the shapes of the words that may end the line
 */
export function isPossible(form: LineForm, inner: number, final: number): boolean {
  const { innerShapes, finalShapes } = shapesOfLine(form, inner, final);
  return (inner & u32(innerShapes, 0)) !== 0 || (final & u32(finalShapes, 0)) !== 0;
}

/**
 * Works backwards from the end of the line: a word may be followed by another only where the line can still be finished
 * with a word of these shapes.
 */
function shapesOfLine(form: LineForm, inner: number, final: number): Pick<LinePlan, 'innerShapes' | 'finalShapes'> {
  const innerShapes = new Uint32Array(form.most + 1);
  const finalShapes = new Uint32Array(form.most + 1);
  for (let at = form.most - 1; at >= 0; at--) {
    finalShapes[at] = shapesAt(at, form, (end) => end >= form.least && end <= form.most);
    innerShapes[at] = shapesAt(at, form, (end) => canFinish(end));
  }
  return { innerShapes, finalShapes };

  function canFinish(at: number): boolean {
    return at < form.most && ((u32(finalShapes, at) & final) !== 0 || (u32(innerShapes, at) & inner) !== 0);
  }
}

function shapesAt(at: number, { metre, strong }: LineForm, mayEndAt: (syllable: number) => boolean): number {
  return allShapes
    .filter((shape) => fitsMetre(shape, at, metre) && fitsBeats(shape, at, strong) && mayEndAt(at + shape.syllables))
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
