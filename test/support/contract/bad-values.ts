import { encodeId, type NodeType } from '../../../src/resolvers/global-id.ts';

/** What an argument is sent, and what must come of it. */
export interface BadValues {
  /** InvalidInputError naming the argument, `at` behind its path. */
  refused: readonly { value: unknown; at?: string }[];
  /** GraphQL itself refuses: the type does not hold it. */
  uncoercible: readonly unknown[];
  /** Well-formed, and names nothing. */
  missing?: { value: unknown; becomes: 'NotFoundError' | 'InvalidInputError' | 'nothing' };
  /** May have an answer, must not fail. */
  harmless?: readonly unknown[];
}

const NUL = 'a\0b';
const HALVES = ['a\ud800b', '\udc00', 'a\udfff'];

export function text({ min = 1, max }: { min?: 0 | 1; max: number }): BadValues {
  const empty = min === 1 ? ['', ' \n\t '] : [];
  const refused = [...empty, 'x'.repeat(max + 1), '雪'.repeat(max + 1), NUL, ...HALVES].map((value) => ({ value }));
  return { refused, uncoercible: [5, true, ['a', 'b'], {}] };
}

export function integer(min: number, max: number): BadValues {
  return number(min, max, 1, [2 ** 31, -(2 ** 31) - 1, min + 0.5]);
}

export function number(min: number, max: number, step = 0.001, uncoercible: readonly number[] = []): BadValues {
  const isBad = (value: number) => (value < min || value > max) && value < 2 ** 31;
  const refused = [min - step, max + step, -(2 ** 31), 2 ** 31 - 1].filter(isBad);
  return { refused: refused.map((value) => ({ value })), uncoercible: [...uncoercible, 'ten', true, [min, max], {}] };
}

export const first = integer(1, 100);
export const oneOf: BadValues = { refused: [], uncoercible: ['NOPE', '', 'en', 5, true, {}] };
export const flag: BadValues = { refused: [], uncoercible: ['yes', '', 1, {}] };

/** `n` entries at most, each as bad as `entry`. */
export function listOf(n: number, entry: BadValues, good: unknown): BadValues {
  const { refused, uncoercible, missing, harmless = [] } = entry;
  return {
    refused: [
      { value: Array.from({ length: n + 1 }, () => good) },
      ...refused.flatMap(({ value, at = '' }) => [
        { value: [value], at: `.0${at}` },
        { value: [good, value], at: `.1${at}` },
      ]),
    ],
    uncoercible: [...uncoercible.filter((value) => !Array.isArray(value)).map((value) => [value]), [null]],
    ...(missing && { missing: { ...missing, value: [missing.value] } }),
    harmless: [[], ...harmless.map((value) => [value])],
  };
}

const ofNothing: Record<NodeType, string> = {
  ...{
    Track: '999999999',
    Artist: '999999999',
    Album: '999999999',
    Listener: '999999999',
    Feedback: '999999999',
    ApiKey: '999999999',
  },
  Genre: 'no-such-genre',
  ...{ Draft: '00000000-0000-4000-8000-000000000000', DraftGroup: '00000000-0000-4000-8000-000000000000' },
  ...{ Document: '00000000-0000-4000-8000-000000000000', DocumentVersion: '00000000-0000-4000-8000-000000000000' },
  Assist: '00000000-0000-4000-8000-000000000000',
  Model: 'nobody-knows',
};

/** What is no id at all, and what is one that nothing can have. */
const malformed = (type: NodeType): string[] => [
  ...['', ' ', 'x', '💥', NUL, HALVES[0]!, '1', '0', `${encodeId(type, ofNothing[type])}!`, 'x'.repeat(10_000)],
  ...['', '0', '-1', '1.5', '1e3', 'abc', '01', ' 1', '99999999999999999999', "1'; drop table tracks", '1\0']
    .filter((id) => type !== 'Model' || !/^[\w.-]+$/.test(id))
    .map((id) => encodeId(type, id)),
  ...['Nothing:1', ':1', 'track:1', '1', '', 'Track:1:1'].map((id) => Buffer.from(id).toString('base64url')),
];

export function idOf(type: NodeType, becomes: NonNullable<BadValues['missing']>['becomes'] = 'nothing'): BadValues {
  const others = Object.entries(ofNothing).filter(([other]) => other !== type);
  const refused = [...malformed(type), ...others.map(([other, id]) => encodeId(other as NodeType, id))];
  return {
    refused: refused.map((value) => ({ value })),
    uncoercible: [1.5, true, [], {}],
    missing: { value: encodeId(type, ofNothing[type]), becomes },
  };
}

/** An id of any type. */
export const anyId: BadValues = {
  refused: malformed('Track').map((value) => ({ value })),
  uncoercible: [1.5, true, [], {}],
  missing: { value: encodeId('Draft', ofNothing.Draft), becomes: 'nothing' },
  harmless: Object.entries(ofNothing).map(([type, id]) => encodeId(type as NodeType, id)),
};

export const instant: BadValues = {
  refused: ['9999-12-31T23:59:59Z', '1969-12-31T23:59:59.999Z', '0001-01-01T00:00:00Z'].map((value) => ({ value })),
  uncoercible: [
    ...[
      '',
      'yesterday',
      '99999-01-01T00:00:00Z',
      '+99999-01-01T00:00:00Z',
      '-0001-01-01T00:00:00Z',
      '0000-01-01T00:00:00Z',
    ],
    ...['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-11-23', '2026-11-23T25:00:00Z', '2026-11-23T24:00:00Z'],
    ...['2026-11-23T10:00:00', '2026-11-23T10:00:00+99:00', '2026-11-23T10:00:60Z', NUL, 5, -1, 1e300, true, {}],
  ],
};

/** A date or an instant. */
export const moment: BadValues = {
  refused: [...instant.refused, { value: '9999-12-31' }, { value: '0001-01-01' }],
  uncoercible: [...instant.uncoercible.filter((value) => value !== '2026-11-23'), '2026-02-30', '2026-13-01'],
};

/** `own` is a cursor of the list; `others` are of every other list. */
export function cursor(own: string, others: readonly string[]): BadValues {
  const encode = (json: string) => Buffer.from(json).toString('base64url');
  const parts = JSON.parse(Buffer.from(own, 'base64url').toString()) as unknown[];
  const cells = [
    'null',
    '-1',
    '0',
    '0.5',
    '1e300',
    '1e999',
    '-1e999',
    '9007199254740993',
    '8640000000000000',
    '253402300800000',
  ];
  const odd = [...cells, 'true', '{}', '[]', '""', '"x"', '"a\\u0000b"', '"\\ud800"', `"${'x'.repeat(10_000)}"`];
  const spoiled = parts.flatMap((_, at) =>
    odd.map((cell) => encode(`[${parts.map((part, i) => (i === at ? cell : JSON.stringify(part))).join(',')}]`)),
  );
  const malformed = ['', ' ', 'x', '💥', NUL, HALVES[0]!, 'x'.repeat(10_000), own.slice(0, -8), encode('null')];
  const shapes = ['[]', '{}', '1', '"x"', '[1]', '[[]]', '[1,2,3,4,5,6,7,8]', JSON.stringify(parts.slice(1))];
  const longer = JSON.stringify([...parts, 1]);
  return {
    refused: [...malformed, ...[...shapes, longer].map(encode), ...others].map((value) => ({ value })),
    uncoercible: [5, true, {}],
    harmless: spoiled,
  };
}
