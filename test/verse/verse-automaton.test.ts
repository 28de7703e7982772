import { beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../src/lib/random.ts';
import { judgeVerse } from '../../src/verse/judging.ts';
import {
  loadVerseWords,
  Rhymes,
  VerseAutomaton,
  type VerseForm,
  type VerseFormInput,
  type VersePosition,
} from '../../src/verse/verse.ts';
import { formOf } from '../support/verse.ts';

const CHARACTERS = Array.from("abcdefghijklmnopqrstuvwxyz' \n,.!?");
let rhymes: Rhymes;
beforeAll(async () => {
  rhymes = new Rhymes(await loadVerseWords());
});

/** A text that keeps the form, each character drawn from those that are accepted. */
function randomText(form: VerseForm, seed: number): string {
  const automaton = new VerseAutomaton(form, rhymes);
  const random = randomStream(seed);
  let position: VersePosition = automaton.begin();
  let text = '';
  while (!automaton.mayEnd(position)) {
    const from = position;
    const open = position.forced ? [position.forced.charAt(0)] : CHARACTERS.filter((c) => automaton.step(from, c));
    const character = open[Math.floor(random() * open.length)];
    if (character === undefined) throw new Error(`stuck after ${JSON.stringify(text)}`);
    const next = automaton.step(position, character);
    if (!next) throw new Error(`${character} was accepted and then not`);
    text += character;
    position = next;
  }
  return text;
}

describe('[FORM2] a text that follows its form is never stuck and keeps it, as another implementation judges', () => {
  const forms: [string, VerseFormInput][] = [
    ...(['SONNET', 'HAIKU', 'LIMERICK', 'BALLAD', 'SONG'] as const).map((preset): [string, VerseFormInput] => [
      preset,
      { preset },
    ]),
    ['one syllable a line, one rhyme', { stanzas: [{ lines: 6, syllables: [1], rhyme: 'AAAAAA' }] }],
    ['dactyls', { stanzas: [{ lines: 4, syllables: [12, 9, 12, 9], rhyme: 'ABAB', metre: 'DACTYLIC' }] }],
    [
      'trochees',
      {
        stanzas: [{ lines: 4, syllables: [8, 7], rhyme: 'AB' }].map((s) => ({
          ...s,
          lines: 2,
          metre: 'TROCHAIC' as const,
        })),
      },
    ],
    ['anapaests', { stanzas: [{ lines: 3, syllables: [9], rhyme: 'AAA', metre: 'ANAPAESTIC' }] }],
    ['lines of any length', { stanzas: [{ lines: 4, rhyme: 'AABB' }] }],
    [
      'a refrain at the end',
      {
        stanzas: [
          { label: 'CHORUS', lines: 2, rhyme: 'AA' },
          { label: 'CHORUS', refrainOf: 0 },
        ],
      },
    ],
    ['long lines', { stanzas: [{ lines: 2, syllables: [20], rhyme: 'AA' }] }],
  ];

  it.each(forms)('%s', (_, input) => {
    const form = formOf(input);
    for (let seed = 1; seed <= 3; seed++) {
      const text = randomText(form, seed);
      expect(Object.values(judgeVerse(text, form)).flat().every(Boolean), text).toBe(true);
    }
  });

  it('[FORM6] puts the primary stress of longer words on the stressed positions of the metre', () => {
    const automaton = new VerseAutomaton(formOf({ stanzas: [{ lines: 1, syllables: [4], metre: 'IAMBIC' }] }), rhymes);
    const read = (text: string) =>
      Array.from(text).reduce<VersePosition | null>((at, c) => at && automaton.step(at, c), automaton.begin());
    expect(read('the wind returns')).not.toBeNull();
    // WIN-dow at the first position would be stressed against the metre.
    expect(read('window')).toBeNull();
    expect(read('a window')).not.toBeNull();
  });

  it('accepts capitals at the start of a word only, and one punctuation mark behind it', () => {
    const automaton = new VerseAutomaton(formOf({ stanzas: [{ lines: 1, syllables: [3] }] }), rhymes);
    const read = (text: string) =>
      Array.from(text).reduce<VersePosition | null>((at, c) => at && automaton.step(at, c), automaton.begin());
    expect(read('The Sea, Sea')).not.toBeNull();
    for (const text of ['THe', 'the  ', 'the,,', ' the', 'the sea sea sea', '1', 'thé', 'the\n'])
      expect(read(text)).toBeNull();
  });

  it('[FORM6] does not let a word rhyme with itself or with one that sounds alike', () => {
    const automaton = new VerseAutomaton(formOf({ stanzas: [{ lines: 2, syllables: [1], rhyme: 'AA' }] }), rhymes);
    const read = (text: string) =>
      Array.from(text).reduce<VersePosition | null>((at, c) => at && automaton.step(at, c), automaton.begin());
    expect(read('night\nlight')).not.toBeNull();
    for (const text of ['night\nnight', 'night\nknight', 'night\nsea']) expect(read(text)).toBeNull();
  });
});
