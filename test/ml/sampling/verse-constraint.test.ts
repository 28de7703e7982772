import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../../src/lib/random.ts';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { allTokens } from '../../../src/ml/sampling/constraint.ts';
import { VerseConstraint, type VerseVocabulary } from '../../../src/ml/sampling/verse-constraint.ts';
import { judgeVerse } from '../../../src/verse/judging.ts';
import {
  loadVerseWords,
  offensiveIn,
  Rhymes,
  VerseAutomaton,
  type VerseFormInput,
  type VersePosition,
  type VerseWords,
} from '../../../src/verse/verse.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';
import { formOf } from '../../support/verse.ts';

let words: VerseWords;
beforeAll(async () => {
  words = await loadVerseWords();
});

const limerick: VerseFormInput = { preset: 'LIMERICK' };
const song: VerseFormInput = {
  stanzas: [
    { label: 'CHORUS', lines: 2, syllables: [4], rhyme: 'AA', metre: 'IAMBIC' },
    { lines: 2, rhyme: 'AA' },
    { label: 'CHORUS', refrainOf: 0 },
  ],
};

/** Whole words, their beginnings and insides, marks, and tokens that verse never has. */
function vocabularyOf(...more: string[]): VerseVocabulary & { texts: string[] } {
  const parts = ['he', 'The', ' the', ' sea', ' Night', 'ight', ' li', ' a', "n't", ' do', '.\n', ',\n', '\n\n', ', '];
  const strange = ['THE', ' 12', 'é', '☃', '  ', '...', '-', '"'];
  const texts = [
    ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
    '\n',
    ...parts,
    ...strange,
    ...more,
  ];
  const bytes = texts.map((text) => new TextEncoder().encode(text));
  return {
    texts,
    vocab: texts.length + 1,
    bytesOf: (id) => bytes[id] ?? new Uint8Array(0),
    ends: new Set([texts.length]),
  };
}

describe('[FORM2] the mask of a form', () => {
  it.each([limerick, song])('allows the tokens after which the form can be completed, and no others: %j', (input) => {
    const vocabulary = vocabularyOf('[Chorus]', '[Ch', 'orus]\n', ']\n');
    const form = formOf(input);
    const automaton = new VerseAutomaton(form, new Rhymes(words));
    const random = randomStream(11);
    for (let round = 0; round < 3; round++) {
      const constraint = new VerseConstraint({ form, words, own: [], lead: '', written: '' }, vocabulary);
      let position: VersePosition = automaton.begin();
      for (;;) {
        const from = position;
        const allowed = allTokens(vocabulary.vocab);
        constraint.mask(allowed);
        const isAllowed = (id: number) => (((allowed[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1;
        const after = vocabulary.texts.map((text) =>
          Array.from(text).reduce<VersePosition | null>((at, c) => at && automaton.step(at, c), from),
        );
        // A heading's tokens that reach beyond it are left out, since shorter ones spell the same.
        const expected = after.map((next, id) => next !== null && staysInHeading(from, vocabulary.texts[id] ?? ''));
        expect(vocabulary.texts.filter((_, id) => isAllowed(id))).toEqual(
          vocabulary.texts.filter((_, id) => expected[id]),
        );
        expect(isAllowed(vocabulary.texts.length)).toBe(automaton.mayEnd(from));
        const open = [...expected.keys()].filter((id) => expected[id]);
        const id = open[Math.floor(random() * open.length)];
        if (id === undefined || automaton.mayEnd(from)) break;
        constraint.accept(id);
        position = after[id] ?? position;
      }
      expect(automaton.mayEnd(position)).toBe(true);
    }
  });

  const staysInHeading = ({ forced }: VersePosition, text: string): boolean =>
    forced === '' || text.length <= forced.length;

  it('goes on from what was written, and refuses a text that left its form', () => {
    const vocabulary = vocabularyOf();
    const form = formOf({ preset: 'HAIKU' });
    const constraint = new VerseConstraint(
      { form, words, own: [], lead: '', written: 'the moon and the sea' },
      vocabulary,
    );
    const allowed = allTokens(vocabulary.vocab);
    constraint.mask(allowed);
    const open = vocabulary.texts.filter((_, id) => (((allowed[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1);
    expect(open).toContain('\n');
    expect(open).not.toContain(' ');
    expect(
      () => new VerseConstraint({ form, words, own: [], lead: '', written: 'the moon and the sea and' }, vocabulary),
    ).toThrow('leaves its form');
  });
});

describe('[FORM12] words that offend', () => {
  const form = formOf({ stanzas: [{ lines: 2, syllables: [1], rhyme: 'AA' }] });
  const after = (written: string, own: string[]): string[] => {
    const vocabulary = vocabularyOf();
    const constraint = new VerseConstraint({ form, words, own, lead: '', written }, vocabulary);
    const allowed = allTokens(vocabulary.vocab);
    constraint.mask(allowed);
    return vocabulary.texts.filter((_, id) => (((allowed[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1);
  };

  it('are not chosen, unless the writer has them', () => {
    expect(after('hit\ns', [])).not.toContain('h');
    expect(after('hit\ns', ['shit'])).toContain('h');
    expect(after('hit\ns', [])).toContain('i');
    expect(() => after('hit\nshit', [])).toThrow('leaves its form');
  });

  it('are found in a text with what is made of them, each once', () => {
    expect(offensiveIn(words, ['Bastards and the ASS', 'an ass in the glass'])).toEqual(['ass', 'bastards']);
    expect(offensiveIn(words, ['the swallow and the assassin, God and the devil'])).toEqual([]);
  });
});

describe('a model of random weights', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-verse-'));
    engine = await tinyEngine(folder);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const requestFor = (input: VerseFormInput, seed: number): GenerationRequest => ({
    messages: [{ role: 'user', content: 'write' }],
    sampling: { ...defaultSampling, maxTokens: 400, seed },
    verse: { form: formOf(input), words, own: [], lead: '', written: '' },
  });

  async function write(request: GenerationRequest): Promise<{ text: string; ids: number[]; reason: string }> {
    const written = { text: '', ids: [] as number[], reason: '' };
    for await (const event of engine.admit(TINY).generate(request, new AbortController().signal)) {
      if (event.type === 'tokens') {
        written.text += event.text;
        written.ids.push(...event.tokens.map(({ id }) => id));
      }
      if (event.type === 'finished') written.reason = event.reason;
    }
    return written;
  }

  it('[FORM1] keeps every form to its end, alone and beside others, and the same seed gives the same text', async () => {
    const forms: VerseFormInput[] = [{ preset: 'HAIKU' }, limerick, song];
    const requests = forms.flatMap((input) => [1, 2].map((seed) => requestFor(input, seed)));
    const together = await Promise.all(requests.map(write));
    together.forEach(({ text, reason }, i) => {
      const form = formOf(forms[Math.floor(i / 2)] ?? {});
      const judged = judgeVerse(text, form);
      expect(reason, text).toBe('STOP');
      expect(Object.values(judged).flat().every(Boolean), text).toBe(true);
    });
    const [first] = requests;
    if (first) expect((await write(first)).text).toBe(together[0]?.text);
  });

  it('[FORM1] goes on with the same text after a crash', async () => {
    const request = requestFor(limerick, 7);
    const whole = await write(request);
    const half = Math.floor(whole.ids.length / 2);
    const rest = await write({ ...request, replay: whole.ids.slice(0, half) });
    expect(whole.text.endsWith(rest.text)).toBe(true);
    expect(rest.ids).toEqual(whole.ids.slice(half));
  });

  it('[GEN15] keeps banned phrases out of a verse too', async () => {
    const request = requestFor({ preset: 'HAIKU' }, 3);
    const { text } = await write({ ...request, sampling: { ...request.sampling, bannedPhrases: ['e'] } });
    expect(text).not.toContain('e');
    expect(judgeVerse(text, formOf({ preset: 'HAIKU' })).syllables).toEqual([true, true, true]);
  });
});
