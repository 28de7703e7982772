import { u32 } from '../lib/typed-arrays.ts';
import type { VerseForm } from './contract.ts';
import { endingShapes, planLine } from './line-plan.ts';
import type { Rhymes } from './rhymes.ts';
import { VerseAutomaton, type VersePosition } from './verse-automaton.ts';

/** How far a text has come in its form: `BROKEN` if it does not keep it. */
export type VerseState = 'INCOMPLETE' | 'COMPLETE' | 'BROKEN';

/** @param lead the text that the form was begun with */
export function readVerse(text: string, form: VerseForm, rhymes: Rhymes, lead = ''): VerseState {
  const automaton = new VerseAutomaton(form, rhymes);
  let position: VersePosition | null = automaton.begin(lead);
  for (const character of text) position &&= automaton.step(position, character);
  if (!position) return 'BROKEN';
  return automaton.mayEnd(position) ? 'COMPLETE' : 'INCOMPLETE';
}

/** The first stanza with a line that no words can end as the form requires. Null if there is none. */
export function firstImpossible({ stanzas }: VerseForm, rhymes: Rhymes): number | null {
  const index = stanzas.findIndex(({ lines }) =>
    lines.some((line) => {
      const companions = lines.filter(({ rhyme }) => line.rhyme !== null && rhyme === line.rhyme);
      const final = line.rhyme === null ? rhymes.endings : rhymes.openings(companions.map(endingShapes));
      const { inner, innerShapes, finalShapes } = planLine(line, rhymes.all, final);
      const first = (u32(inner.below, 0) & u32(innerShapes, 0)) | (u32(final.below, 0) & u32(finalShapes, 0));
      return first === 0;
    }),
  );
  return index === -1 ? null : index;
}
