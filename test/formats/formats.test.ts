import { describe, expect, it } from 'vitest';
import { ReadingSteps } from '../../src/formats/automaton/reading-steps.ts';
import { shortestOf } from '../../src/formats/automaton/shortest.ts';
import { Automaton, compileFormat, type Format, FormatError } from '../../src/formats/formats.ts';
import { readJsonSchema } from '../../src/formats/schema/json-schema.ts';
import { randomStream } from '../../src/lib/random.ts';
import { randomExpression } from '../support/formats/random-formats.ts';

const regex = (expression: string): Format => ({ type: 'REGEX', expression });
const gbnf = (grammar: string): Format => ({ type: 'GBNF', grammar });
const lark = (grammar: string): Format => ({ type: 'LARK', grammar });
const schema = (value: unknown): Format => ({ type: 'JSON_SCHEMA', schema: JSON.stringify(value) });

function accepts(format: Format): (text: string) => boolean {
  const automaton = new Automaton(compileFormat(format));
  return (text) => automaton.read(automaton.begin(), new TextEncoder().encode(text))?.mayEnd ?? false;
}

function refusal(format: Format): string {
  try {
    compileFormat(format);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return 'not refused';
}

describe('[FORMAT1] a regular expression', () => {
  const texts = [
    '',
    'a',
    'aa',
    'aab',
    'abab',
    'bc',
    '1',
    '12',
    'x',
    '-',
    'é',
    '☃',
    '🎵',
    ' ',
    '\n',
    'a1',
    '..',
    'xyz',
    '"',
  ];

  it('takes exactly the texts that it matches as a whole', () => {
    const random = randomStream(3);
    for (let i = 0; i < 300; i++) {
      const expression = randomExpression(random, 3);
      const judge = new RegExp(`^(?:${expression})$`, 'u');
      const takes = accepts(regex(expression));
      const some = Array.from({ length: 40 }, () =>
        Array.from({ length: Math.floor(random() * 5) }, () => texts[Math.floor(random() * texts.length)]).join(''),
      );
      for (const text of [...texts, ...some])
        expect(takes(text), `${expression} ${JSON.stringify(text)}`).toBe(judge.test(text));
    }
  });

  it.each([
    '(a*)*b',
    '(a|aa){2,3}',
    '(a?){3}b',
    '((a|b){1,2}){2,3}',
    '^a|b$',
    '[^\\W_]+',
    '\\u{1F3B5}|\\ud83c\\udfb5{2}',
    '(x*){0}',
  ])('takes what %s matches, also where that can be read in several ways', (expression) => {
    const [takes, judge] = [accepts(regex(expression)), new RegExp(`^(?:${expression})$`, 'u')];
    for (const text of ['', 'a', 'b', 'ab', 'aab', 'aaab', 'aaaab', 'aaaaaa', 'aaaaaaa', 'abab', 'c_', '🎵', '🎵🎵'])
      expect(takes(text), text).toBe(judge.test(text));
  });

  it.each([
    ['(?=a)b', 'look-around'],
    ['a(?<!b)', 'look-around'],
    ['(a)\\1', '"\\1"'],
    ['(?<n>a)\\k<n>', '"\\k"'],
    ['\\bword', '"\\b"'],
    ['\\p{L}+', '"\\p"'],
    ['a(^b)', 'an assertion'],
    ['a$b', 'an assertion'],
    ['(a', 'is not a regular expression'],
    ['a{3,1}', 'is not a regular expression'],
    ['[^\\s\\S]', 'has no finite answer'],
  ])('[FORMAT3] with %s is refused with the reason', (expression, reason) => {
    expect(refusal(regex(expression))).toContain(reason);
  });
});

describe('[FORMAT1] a grammar', () => {
  it('in GBNF takes what its rules have', () => {
    const takes = accepts(
      gbnf(`
        # A sum, where products bind more.
        root   ::= term ( ws [+-] ws term )*
        term   ::= factor
                 | factor ws "*" ws term
        factor ::= [0-9]{1,3} | "(" ws root ws ")" | "\\x41\\u00e9"
        ws     ::= " "?
      `),
    );
    for (const text of ['1', '12 + 3', '(1*2) - 456*(7)', 'Aé*2', '((((1))))']) expect(takes(text), text).toBe(true);
    for (const text of ['', '1234', '1 +', '(1', '1  + 2', 'A']) expect(takes(text), text).toBe(false);
  });

  it('in Lark takes what its rules have, with imports, cases, repetitions and options', () => {
    const takes = accepts(
      lark(`
        %import common (INT, CNAME)
        %import common.WS_INLINE -> SPACE
        // What is asked for.
        start: verb SPACE CNAME [SPACE amount] -> order
        ?verb: "give"i | "take"
        amount: INT ("," INT) ~ 0..2
              | /[a-c]+/ "x".."z"
      `),
    );
    for (const text of ['give me', 'GIVE me 5', 'take it 1,2,3', 'take  it abcz']) expect(takes(text), text).toBe(true);
    for (const text of ['TAKE it', 'give', 'give me 1,2,3,4', 'take it abc', 'give 5'])
      expect(takes(text), text).toBe(false);
  });

  it.each([
    [gbnf('root ::= root "a" | "b"'), 'root is left-recursive'],
    [gbnf('root ::= a\na ::= b? root "x" | "y"\nb ::= "z"'), 'left-recursive'],
    [gbnf('root ::= (root "a"){2,3} | "b"'), 'left-recursive'],
    [gbnf('root ::= nothing'), 'refers to nothing'],
    [gbnf('answer ::= "a"'), 'has no rule root'],
    [gbnf('root ::= "a" root'), 'has no finite answer'],
    [gbnf('root ::= "a" }'), 'position 14'],
    [lark('start: "a"\n%ignore " "'), '%ignore'],
    [lark('start: _sep{"a"}'), 'template'],
    [lark('start: /a/i'), 'flags'],
    [lark('%import common.NOPE\nstart: NOPE'), 'common.NOPE'],
    [{ type: 'CHOICE', options: [] }, '0 options'],
    [{ type: 'CHOICE', options: ['a', ''] }, 'empty option'],
  ] satisfies [Format, string][])('[FORMAT3] %j is refused with the reason', (format, reason) => {
    expect(refusal(format)).toContain(reason);
  });

  it('[FORMAT3] beyond the bounds is refused', () => {
    const rules = Array.from({ length: 513 }, (_, i) => `r${i} ::= "a"`).join('\n');
    expect(refusal(gbnf(`root ::= r1\n${rules}`))).toContain('more than 512 rules');
    expect(refusal(lark('start: '.padEnd(32_770, '"a" ')))).toContain('more than 32768 characters');
    const deep = `${'('.repeat(65)}"a"${')'.repeat(65)}`;
    expect(refusal(gbnf(`root ::= ${deep}`))).toContain('more than 64 deep');
    expect(refusal(regex(deep))).toContain('more than 64 deep');
    expect(refusal(regex('a'.repeat(4097)))).toContain('more than 4096 characters');
    expect(refusal(gbnf(`root ::= ${'[^x] '.repeat(4_000)}`))).toContain('too large');
  });

  it('[FORMAT7] of many rules that lead to each other is looked at once, and not once for each of them', () => {
    const rules = Array.from({ length: 500 }, (_, i) => `r${i} ::= r${i + 1}`).join('\n');
    const { code, entries, shortest } = compileFormat(gbnf(`root ::= r0\n${rules}\nr500 ::= "a" |${' .'.repeat(900)}`));
    let looks = 0;
    const counted = new Proxy(code, {
      get: (target, name, receiver): unknown => {
        if (typeof name === 'string' && /^\d+$/.test(name)) looks++;
        return Reflect.get(target, name, receiver);
      },
    });
    expect(shortestOf(counted, entries)).toEqual(shortest);
    expect(looks).toBeLessThan(4 * code.length);
  });

  it('[FORMAT7] that is refused is not read again while it is remembered', () => {
    const thrownFor = (format: Format): unknown => {
      try {
        return compileFormat(format);
      } catch (error) {
        return error;
      }
    };
    const first = thrownFor(gbnf('root ::= "a" root'));
    expect(first).toBeInstanceOf(FormatError);
    expect(thrownFor(gbnf('root ::= "a" root'))).toBe(first);
    for (let i = 0; i < 16; i++) thrownFor(gbnf(`root ::= "${i}" root`));
    expect(thrownFor(gbnf('root ::= "a" root'))).not.toBe(first);
  });

  it('[FORMAT7] of more different sets of characters than the bound is refused, and of one set in many places is not', () => {
    const sets = (count: number, of: (i: number) => number) =>
      `root ::= ${Array.from({ length: count }, (_, i) => `[a${String.fromCodePoint(0x4e00 + of(i))}]`).join('')}`;
    expect(refusal(gbnf(sets(1_025, (i) => i)))).toContain('more than 1024 different sets');
    const patterns = sets(1_025, (i) => i)
      .replace('root ::= ', 'start: ')
      .replaceAll('[', '/[')
      .replaceAll(']', ']/ ');
    expect(refusal(lark(patterns))).toContain('more than 1024 different sets');
    expect(refusal(gbnf(sets(1_025, () => 1)))).toBe('not refused');
  });

  it('that leads back without growing deeper, or on the right, is kept', () => {
    expect(accepts(gbnf('root ::= root | "a"'))('a')).toBe(true);
    expect(accepts(gbnf('root ::= "a" root | ""'))('a'.repeat(5000))).toBe(true);
  });
});

describe('[FORMAT3] a JSON Schema', () => {
  it.each([
    [{ not: {} }, '"not"'],
    [
      { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } },
      'uniqueItems", which is not supported, at #/properties/a',
    ],
    [{ type: 'integer', multipleOf: 3 }, 'multipleOf'],
    [{ type: 'string', minLength: 2, pattern: 'a' }, 'two of'],
    [{ type: 'string', pattern: '(?=a)' }, 'look-around'],
    [{ type: 'string', format: 'iban' }, '"iban"'],
    [{ type: 'object', patternProperties: {} }, '"patternProperties"'],
    [{ type: 'object', minProperties: 1 }, 'minProperties'],
    [{ type: 'object', properties: { a: {}, b: {} }, maxProperties: 1 }, 'maxProperties'],
    [{ type: 'array', items: [{}] }, 'prefixItems'],
    [{ type: 'array', contains: {} }, '"contains"'],
    [{ if: {}, then: {} }, '"if"'],
    [{ anyOf: [{}], properties: {} }, '"properties" beside "anyOf"'],
    [{ allOf: [{}, {}] }, 'allOf'],
    [{ oneOf: [{ type: 'string' }, { type: 'string', maxLength: 3 }] }, 'may overlap'],
    [{ type: 'stirng' }, 'unknown type'],
    [{ type: 'string', minLength: -1 }, 'whole number'],
    [{ type: 'number', minimum: '1' }, 'no number'],
    [{ $ref: 'https://a.example/schema' }, '$ref'],
    [{ $ref: '#/$defs/none' }, '$ref'],
    [{ $ref: '#' }, 'has no finite answer'],
    [{ type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }, 'has no finite answer'],
    [{ type: 'object', properties: { __proto__x: 1 } }, 'no schema'],
    [JSON.parse('{"type":"object","properties":{"__proto__":{}}}'), '__proto__'],
    [{ type: 'object', properties: { a: false }, required: ['a'] }, 'has no finite answer'],
    [{ type: 'string', minLength: 3, maxLength: 2 }, 'has no finite answer'],
    [{ const: '\ud800' }, 'surrogate'],
    ['string', 'no schema'],
  ])('%j is refused with the keyword and its place', (value, reason) => {
    expect(refusal(schema(value))).toContain(reason);
  });

  it('beyond the bounds is refused', () => {
    const nested = (depth: number): object =>
      depth === 0 ? { type: 'null' } : { type: 'array', items: nested(depth - 1) };
    expect(refusal(schema(nested(33)))).toContain('more than 32 deep');
    expect(refusal(schema({ enum: Array.from({ length: 1001 }, (_, i) => i) }))).toContain('1000 values');
    expect(refusal(schema({ description: 'x'.repeat(32_768) }))).toContain('32768 characters');
    const properties = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p${i}`, {}]));
    expect(refusal(schema({ type: 'object', properties }))).toContain('256 properties');
  });

  it('[FORMAT7] whose "oneOf" leads through many references has each of them followed once', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`c${i}`, i < 19 ? { $ref: `#/$defs/c${i + 1}` } : { const: 1 }]),
    );
    const names = ['a', 'b', 'c', 'd'];
    const option = (i: number) => ({
      type: 'object',
      properties: { ...Object.fromEntries(names.map((name) => [name, { $ref: '#/$defs/c0' }])), z: { const: i } },
      required: [...names, 'z'],
    });
    const steps = new ReadingSteps();
    readJsonSchema(JSON.stringify({ $defs, oneOf: Array.from({ length: 160 }, (_, i) => option(i)) }), steps);
    expect(steps.spent).toBeLessThan(500_000);
  });

  it.each([
    [{ oneOf: Array.from({ length: 257 }, (_, i) => ({ const: i })) }, '"oneOf" of more than 256 schemas, at #'],
    [{ anyOf: Array.from({ length: 600 }, (_, i) => ({ minimum: i, maximum: 9e9 })) }, 'more than 1000000 steps'],
    [{ anyOf: Array.from({ length: 3 }, () => ({ pattern: '.'.repeat(4_000) })) }, 'more than 1000000 steps'],
    [
      {
        $defs: Object.fromEntries([0, 1].map((i) => [i, { enum: Array.from({ length: 1_000 }, (_, k) => 2 * k + i) }])),
        oneOf: Array.from({ length: 100 }, (_, i) => ({
          ...{ type: 'object', required: ['a', 'z'] },
          properties: { a: { $ref: `#/$defs/${i % 2}` }, z: { const: i } },
        })),
      },
      'more than 1000000 steps',
    ],
    [{ $defs: { a: [{ type: 'null' }] }, anyOf: [{ $ref: '#/$defs/a/00' }] }, 'no schema'],
  ])('[FORMAT7] that is too much to read is refused (%#)', (value, reason) => {
    expect(refusal(schema(value))).toContain(reason);
  });

  it('[FORMAT7] whose "oneOf" has as many schemas as are compared is kept', () => {
    const takes = accepts(schema({ oneOf: Array.from({ length: 256 }, (_, i) => ({ const: i })) }));
    expect([takes('255'), takes('256')]).toEqual([true, false]);
  });

  it('[FORMAT1] takes JSON with properties in their order, as models indent it, and none that does not conform', () => {
    const takes = accepts(
      schema({
        ...{ type: 'object', required: ['id', 'tags'] },
        properties: {
          id: { type: 'integer', minimum: -3, maximum: 120 },
          'naïve "key"': { anyOf: [{ type: 'null' }, { type: 'number', exclusiveMinimum: 0, maximum: 1 }] },
          tags: { type: 'array', items: { enum: ['x', 'xy'] }, minItems: 1, maxItems: 2 },
        },
      }),
    );
    for (const text of [
      '{"id":1,"tags":["x"]}',
      '{\n  "id": -3,\n  "naïve \\"key\\"": 0.5,\n  "tags": [\n    "xy",\n    "x"\n  ]\n}',
      '{"id": 120, "naïve \\"key\\"": null, "tags": ["x"]}',
    ])
      expect(takes(text), text).toBe(true);
    for (const text of [
      '{"tags":["x"],"id":1}',
      '{"id":121,"tags":["x"]}',
      '{"id":-4,"tags":["x"]}',
      '{"id":01,"tags":["x"]}',
      '{"id":1,"naïve \\"key\\"":1.5,"tags":["x"]}',
      '{"id":1,"naïve \\"key\\"":0,"tags":["x"]}',
      '{"id":1,"tags":[]}',
      '{"id":1,"tags":["x","x","x"]}',
      '{"id":1,"tags":["x"],"more":1}',
      '{"id":1,,"tags":["x"]}',
    ])
      expect(takes(text), text).toBe(false);
  });

  it('of exponential size is a few rules, whose shortest answer is known', () => {
    const pair = (i: number) => ({
      ...{ type: 'object', required: ['a', 'b'] },
      properties: { a: { $ref: `#/$defs/d${i}` }, b: { $ref: `#/$defs/d${i}` } },
    });
    const $defs = Object.fromEntries(
      Array.from({ length: 25 }, (_, i) => [`d${i}`, i === 0 ? { const: 1 } : pair(i - 1)]),
    );
    const program = compileFormat(schema({ $defs, $ref: '#/$defs/d24' }));
    expect(program.code.length).toBeLessThan(5_000);
    expect(program.shortest[program.start]).toBeGreaterThan(2 ** 24);
  });
});
