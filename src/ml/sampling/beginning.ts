import type { Beginning } from '../contract.ts';
import { type Constraint, forbid } from './constraint.ts';
import type { VerseVocabulary } from './verse-constraint.ts';

const SPACE = 0x20;
const isLetter = (byte: number): boolean => (byte | SPACE) >= 0x61 && (byte | SPACE) <= 0x7a;

/** How a text begins that goes on from another ([GEN27]): only its first token is constrained. */
export class BeginningConstraint implements Constraint {
  readonly #beginning: Beginning;
  readonly #vocabulary: VerseVocabulary;
  #begun = false;

  constructor(beginning: Beginning, vocabulary: VerseVocabulary) {
    this.#beginning = beginning;
    this.#vocabulary = vocabulary;
  }

  accept(): void {
    this.#begun = true;
  }

  mask(allowed: Uint32Array): void {
    if (this.#begun) return;
    const vocabulary = this.#vocabulary;
    for (let id = 0; id < vocabulary.vocab; id++) {
      const first = vocabulary.bytesOf(id)[0] ?? 0;
      const isRight = this.#beginning === 'SPACED' ? first === SPACE || vocabulary.ends.has(id) : !isLetter(first);
      if (!isRight) forbid(allowed, id);
    }
  }
}
