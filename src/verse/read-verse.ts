import { u32 } from '../lib/typed-arrays.ts';
import type { VerseForm } from './contract.ts';
import { endingShapes, isPossible } from './line-plan.ts';
import { VerseAutomaton, type VersePosition } from './verse-automaton.ts';
import type { Rhymes } from './words/rhymes.ts';

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
  const inner = u32(rhymes.all.below, 0);
  const index = stanzas.findIndex(({ lines }) =>
    lines.some((line) => {
      const companions = lines.filter(({ rhyme }) => line.rhyme !== null && rhyme === line.rhyme);
      const final =
        line.rhyme === null ? u32(rhymes.endings.below, 0) : rhymes.openingShapes(companions.map(endingShapes));
      return !isPossible(line, inner, final);
    }),
  );
  return index === -1 ? null : index;
}
