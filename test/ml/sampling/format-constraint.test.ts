import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Automaton, compileFormat, type Format } from '../../../src/formats/formats.ts';
import { InvalidInputError } from '../../../src/lib/errors.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { defaultSampling, type Engine, type GenerationRequest } from '../../../src/ml/engine.ts';
import { FormatConstraint } from '../../../src/ml/sampling/format/format-constraint.ts';
import { keptFormat } from '../../../src/ml/sampling/format/kept-format.ts';
import { allowedBy, conforms, pieceVocabulary, randomAnswer } from '../../support/formats/format-writing.ts';
import { randomExpression, randomSchemaFormat } from '../../support/formats/random-formats.ts';
import { TINY, tinyEngine } from '../../support/tiny/tiny-engine.ts';

const vocabulary = pieceVocabulary();
const regex = (expression: string): Format => ({ type: 'REGEX', expression });
const schema = (value: object): Format => ({ type: 'JSON_SCHEMA', schema: JSON.stringify(value) });
const person = schema({
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0, maximum: 120 } },
  required: ['name', 'age'],
});

describe('[FORMAT1] the answers of a model that finds all tokens equally likely', () => {
  it.each([
    ['schemas', (random: () => number): Format => randomSchemaFormat(random)],
    ['expressions', (random: () => number): Format => regex(randomExpression(random))],
  ])('conform to 150 random %s, as another implementation judges', (_, formatFrom) => {
    let written = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = randomStream(seed);
      const format = formatFrom(random);
      const answer = randomAnswer(format, { vocabulary, random, maxTokens: 30 + Math.floor(random() * 200) });
      if (answer === null) continue;
      written++;
      expect(conforms(format, answer), `${JSON.stringify(format)}: ${answer}`).toBe(true);
    }
    expect(written).toBeGreaterThan(120);
  });
});

describe('[FORMAT2] the mask of a format', () => {
  it.each([
    person,
    regex('(ab|a){2,40}["é]*'),
    regex('(.{1,30}|[^x]*x)\\n'),
    schema({ type: 'string', minLength: 3, maxLength: 9 }),
  ])('allows the tokens after which the rest fits, and no others: %j', (format) => {
    const automaton = new Automaton(compileFormat(format));
    const random = randomStream(7);
    for (const maxTokens of [45, 60, 400]) {
      const constraint = new FormatConstraint({ format, written: '' }, vocabulary, maxTokens);
      let state = automaton.begin();
      for (let left = maxTokens - 1; ; left--) {
        const open = allowedBy(constraint, vocabulary);
        const expected = Array.from({ length: vocabulary.vocab }, (_, id) => id).filter((id) => {
          if (vocabulary.ends.has(id)) return state.mayEnd;
          const next = automaton.read(state, vocabulary.bytesOf(id));
          return next !== null && next.shortest + 1 <= left;
        });
        expect(open).toEqual(expected);
        const id = open[Math.floor(random() * open.length)] ?? -1;
        if (vocabulary.ends.has(id)) break;
        constraint.accept(id);
        state = automaton.read(state, vocabulary.bytesOf(id)) ?? state;
      }
    }
  });

  it('does not depend on what others have written in the same format before', () => {
    const lists = { type: 'object', additionalProperties: { type: 'array', items: {} } };
    const write = (seed: number, known: Format) =>
      randomAnswer(known, { vocabulary, random: randomStream(seed), maxTokens: 120 });
    const alone = [1, 2, 3, 4].map((seed) => write(seed, schema({ ...lists, title: String(seed) })));
    expect([4, 3, 2, 1].map((seed) => write(seed, schema(lists))).reverse()).toEqual(alone);
  });

  it('leaves out ways that are too many to follow, and never the last one', () => {
    const grammar = `root ::= ${Array.from({ length: 400 }, (_, i) => `[a-z] r${i}`).join(' | ')}\n${Array.from({ length: 400 }, (_, i) => `r${i} ::= [a-z]{${1 + (i % 7)},9} "${i}"`).join('\n')}`;
    const answer = randomAnswer({ type: 'GBNF', grammar }, { vocabulary, random: randomStream(1), maxTokens: 12 });
    expect(answer).toMatch(/^[a-z]{2,10}\d{1,3}$/);
  });

  it('comes to an end in as many tokens as the shortest answer may need, and is refused with fewer', () => {
    const tight = (maxTokens: number) => new FormatConstraint({ format: person, written: '' }, vocabulary, maxTokens);
    expect(() => tight(19)).toThrow('may need 20 tokens');
    const answer = randomAnswer(person, { vocabulary, random: randomStream(1), maxTokens: 20 });
    expect(answer).toMatch(/^\{"name":"","age":\d\}$/);
  });

  it('is refused for a vocabulary without its bytes or without an end', () => {
    const endless = { ...vocabulary, ends: new Set<number>() };
    expect(() => new FormatConstraint({ format: person, written: '' }, endless, 99)).toThrow('ends an answer');
    const bytesOf = (id: number) => (id === 0x22 ? new Uint8Array(0) : vocabulary.bytesOf(id));
    const quoteless = { ...vocabulary, bytesOf };
    expect(() => new FormatConstraint({ format: person, written: '' }, quoteless, 99)).toThrow('no finite answer');
  });

  it('goes on from what was written, and refuses a text that left its format', () => {
    const after = (written: string) => new FormatConstraint({ format: person, written }, vocabulary, 99);
    expect(allowedBy(after('{"name": "A", "age": 12'), vocabulary)).toContain(0x7d);
    expect(() => after('{"name": 1')).toThrow('is not that of the text');
  });
});

describe('[FORMAT8] a format in which nearly every token leads to a state that is new', () => {
  const letters = Array.from('aeioutnsrhlz');
  const pairs = letters.flatMap((one) => letters.map((other) => one + other));
  const fresh = () => pieceVocabulary(pairs.flatMap((one) => pairs.map((other) => one + other)));
  const ways = letters.slice(0, -1).map((one) => `${one}[ a-z]{5}`);
  const format = regex(`[ a-z]*(${ways.join('|')})`);

  it('makes few of its states for one mask', () => {
    const tokens = fresh();
    const open = allowedBy(new FormatConstraint({ format, written: '' }, tokens, 600), tokens);
    expect(open.length).toBeGreaterThan(100);
    expect(keptFormat(format, tokens).automaton.size).toBeLessThan(4_000);
  });

  it('[FORMAT4] takes a shortest way to its end after its work, and so does an answer that goes on elsewhere', () => {
    const tokens = fresh();
    const random = randomStream(3);
    const constraint = new FormatConstraint({ format, written: '' }, tokens, 600);
    const [written, masks]: [number[], number[][]] = [[], []];
    for (let open = allowedBy(constraint, tokens); ; open = allowedBy(constraint, tokens)) {
      masks.push(open);
      const further = open.filter((id) => !tokens.ends.has(id));
      const id = further[Math.floor(random() * further.length)];
      if (id === undefined) break;
      written.push(id);
      constraint.accept(id);
    }
    expect(written.length).toBeLessThan(300);
    const bytes = written.flatMap((id) => [...tokens.bytesOf(id)]);
    expect(conforms(format, new TextDecoder().decode(Uint8Array.from(bytes)))).toBe(true);
    const elsewhere = fresh();
    const resumed = new FormatConstraint({ format, written: '' }, elsewhere, 600);
    const cut = written.length - 2;
    for (const id of written.slice(0, cut)) resumed.accept(id);
    expect(allowedBy(resumed, elsewhere)).toEqual(masks[cut]);
  });
});

describe('a model of random weights', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cadenza-format-'));
    engine = await tinyEngine(folder);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const asking = (format: Format, seed: number, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
    messages: [{ role: 'user', content: 'Who?' }],
    sampling: { ...defaultSampling, temperature: 1.5, topK: 0, topP: 1, frequencyPenalty: 1, maxTokens: 80, seed },
    format: { format, written: '' },
    ...more,
  });

  async function write(request: GenerationRequest): Promise<{ text: string; ids: number[]; reason: string | null }> {
    const ticket = engine.admit(TINY);
    const found = { text: '', ids: [] as number[], reason: null as string | null };
    for await (const event of ticket.generate(request, new AbortController().signal)) {
      if (event.type === 'tokens') {
        found.text += event.text;
        found.ids.push(...event.tokens.map(({ id }) => id));
      }
      if (event.type === 'finished') found.reason = event.reason;
    }
    return found;
  }

  it('[FORMAT1] [GEN1] answers in the format, alone and beside others, and the same seed gives the same text', async () => {
    const formats = [person, regex('(\\w+ ){2,5}\\w+\\.'), schema({ type: 'array', items: {}, maxItems: 3 })];
    const alone = [];
    for (const [i, format] of formats.entries()) alone.push(await write(asking(format, i)));
    const beside = await Promise.all(formats.map((format, i) => write(asking(format, i))));
    expect(beside).toEqual(alone);
    for (const [i, { text, reason }] of alone.entries()) {
      expect(reason).toBe('STOP');
      expect(conforms(formats[i] ?? person, text), text).toBe(true);
    }
  });

  it('[FORMAT4] [GEN9] goes on with the same text after a crash, wherever that was', async () => {
    const whole = await write(asking(person, 5));
    for (const cut of [1, Math.floor(whole.ids.length / 2), whole.ids.length]) {
      const rest = await write(asking(person, 5, { replay: whole.ids.slice(0, cut) }));
      expect(rest.ids).toEqual(whole.ids.slice(cut));
      expect(rest.reason).toBe('STOP');
    }
  });

  it('[FORMAT3] refuses what excludes a format, and what the model cannot end', () => {
    const refused = (changes: object, more: Partial<GenerationRequest> = {}) => {
      const request = asking(person, 1, more);
      return () => engine.checkFits(TINY, { ...request, sampling: { ...request.sampling, ...changes } });
    };
    expect(refused({})).not.toThrow();
    expect(refused({ bannedPhrases: ['a'] })).toThrow(InvalidInputError);
    expect(refused({ stop: ['a'] })).toThrow('excludes');
    expect(refused({ maxTokens: 19 })).toThrow('may need 20 tokens');
    expect(refused({}, { format: { format: regex('(?=a)'), written: '' } })).toThrow('look-around');
  });
});
