import { encodeId } from '../../../src/resolvers/global-id.ts';
import * as bad from './bad-values.ts';

/** A new database's ids begin at 1. */
const [track, artist, album] = [encodeId('Track', 1), encodeId('Artist', 1), encodeId('Album', 1)];

/** For `newest`: the id is given. */
const besideId: bad.BadValues = { ...bad.flag, refused: [{ value: true }] };
const genre: bad.BadValues = {
  ...bad.text({ max: 100 }),
  refused: [...bad.text({ max: 100 }).refused, { value: 'no-such-genre' }],
};
const genres = bad.listOf(100, genre, 'jazz');
const texts = bad.listOf(50, bad.text({ max: 4_000 }), 'a');
const languageCode: bad.BadValues = {
  ...bad.text({ max: 35 }),
  refused: [...bad.text({ max: 35 }).refused, ...['e', 'english', 'en_GB', '12', 'en-'].map((value) => ({ value }))],
  harmless: ['de', 'zh-Hant', ' fr '],
};
const glossaryTerm: bad.BadValues = {
  ...bad.text({ max: 100 }),
  refused: [...bad.text({ max: 100 }).refused, ...[' a', 'a\nb'].map((value) => ({ value }))],
  harmless: ['a.*', '<b>', '💥'],
};
const manyTerms: bad.BadValues = {
  refused: [{ value: Array.from({ length: 101 }, (_, i) => ({ source: `a${i}`, target: 'b' })) }],
  uncoercible: [5, 'a', [5], [{ source: 'a' }]],
};
const range: Record<string, bad.BadValues> = {
  min: bad.integer(0, 2 ** 31 - 1),
  max: bad.integer(0, 2 ** 31 - 1),
};
const under = (prefix: string, table: Record<string, bad.BadValues>) =>
  Object.fromEntries(Object.entries(table).map(([name, values]) => [`${prefix}.${name}`, values]));

const quota = Object.fromEntries(
  ['requestsPerDay', 'draftsPerDay', 'tokensPerDay', 'tokensPerMonth'].flatMap((name) =>
    ['soft', 'hard'].map((limit) => [`${name}.${limit}`, bad.number(0, 1_000_000_000_000, 1)]),
  ),
);

const filter = under('filter', {
  genres,
  excludeGenres: genres,
  artistIds: bad.listOf(100, bad.idOf('Artist'), artist),
  excludeArtistIds: bad.listOf(100, bad.idOf('Artist'), artist),
  excludeTrackIds: bad.listOf(100, bad.idOf('Track'), track),
  ...under('releaseYear', range),
  ...under('durationMs', range),
  explicit: bad.flag,
});
/** For a stream that says nothing until something changes: only what is refused has an answer. */
const refusedOnly = (table: Record<string, bad.BadValues>): Record<string, bad.BadValues> =>
  Object.fromEntries(
    Object.entries(table).map(([name, { refused, uncoercible, missing }]) => {
      const isAnswered = missing && missing.becomes !== 'nothing';
      return [name, { refused, uncoercible, ...(isAnswered && { missing }) }];
    }),
  );
/** Not text at all, and what begins otherwise. */
const address: bad.BadValues = {
  ...bad.text({ max: 2_000 }),
  refused: [
    ...bad.text({ max: 2_000 }).refused,
    ...[
      'javascript:alert(1)',
      'http://a.example/x',
      '//a.example/x',
      'data:text/html,x',
      'https://',
      'https:a.example',
    ],
    ...[
      'https://a.example/a b',
      'https://a.example/"',
      'https://ann:secret@a.example/',
      'https://a.example/a\nb',
      'JaVaScRiPt:1',
    ],
  ].map((one) => (typeof one === 'string' ? { value: one } : one)),
};
const isrc: bad.BadValues = {
  refused: ['', 'x', 'USRC1760783', 'USRC176078399', '1SRC17607839', 'USRC1760783A', 'a\0b', '\ud800'].map((value) => ({
    value,
  })),
  uncoercible: [5, true, {}],
};
const metadata: bad.BadValues = {
  refused: [
    { value: { nope: 1 }, at: '.nope' },
    { value: { bpm: '120' }, at: '.bpm' },
    { value: { bpm: 1e300 }, at: '.bpm' },
    { value: { mood: [1] }, at: '.mood' },
    { value: { mood: ['x'.repeat(1_001)] }, at: '.mood' },
    { value: { mood: Array(51).fill('x') }, at: '.mood' },
    { value: JSON.parse('{"__proto__":{"bpm":1}}') as unknown, at: '.__proto__' },
    { value: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 1])) },
  ],
  uncoercible: [5, 'bpm', [], true],
  harmless: [{}, { bpm: null }, { bpm: 120, mood: ['calm'] }],
};
const condition: Record<string, bad.BadValues> = {
  key: { refused: ['', 'nope', 'x'.repeat(200), 'a\0'].map((value) => ({ value })), uncoercible: [5, true, {}] },
  in: {
    refused: [{ value: Array(101).fill(1) }, { value: ['x'], at: '.0' }, { value: [1, true], at: '.1' }],
    uncoercible: [[{}], [[1]], [null]],
  },
  min: { refused: [{ value: 1e300 }, { value: -1e300 }], uncoercible: ['ten', true, {}] },
  max: { refused: [{ value: 1e300 }, { value: -1e300 }], uncoercible: ['ten', true, {}] },
};
const nameSearch = {
  search: bad.text({ min: 0, max: 200 }),
  orderBy: bad.oneOf,
  direction: bad.oneOf,
};
const cover = (most: number) => ({
  refused: [
    { value: Array.from({ length: most + 1 }, (_, i) => ({ url: 'https://a.example/1', size: i + 1 })) },
    { value: [{ url: 'https://a.example/1' }, { url: 'https://a.example/2' }] },
    {
      value: [
        { url: 'https://a.example/1', size: 1 },
        { url: 'https://a.example/2', size: 1 },
      ],
    },
    { value: [{ url: 'https://a.example/1', size: 1 }, { url: 'https://a.example/2' }] },
    { value: [{ url: 'https://a.example/{size}', size: 1 }], at: '.0' },
  ],
  uncoercible: [5, [{}], [null]],
});

const steering = {
  ...filter,
  'context.moodOf': bad.idOf('Draft', 'NotFoundError'),
  'context.seedTrackIds': bad.listOf(100, bad.idOf('Track', 'InvalidInputError'), track),
  'context.unlikeTrackIds': bad.listOf(100, bad.idOf('Track', 'InvalidInputError'), track),
  'context.session': bad.listOf(100, bad.idOf('Track', 'InvalidInputError'), track),
  'context.text': bad.text({ min: 0, max: 500 }),
  'context.freshness': bad.number(0, 1),
};
const member = encodeId('Listener', 1);
const members = bad.listOf(20, bad.idOf('Listener', 'InvalidInputError'), member);
const list = {
  ...steering,
  diversity: bad.number(0, 1),
  calibration: bad.number(0, 1),
  maxPerArtist: bad.integer(1, 100),
  notServedForHours: bad.integer(0, 720),
  includeHeard: bad.flag,
};
const piece: bad.BadValues = {
  ...bad.text({ max: 100 }),
  refused: ['', 'x'.repeat(101), 'a\0', '\ud800'].map((value) => ({ value })),
};
const sampling = under('input.sampling', {
  temperature: bad.number(0, 2),
  topK: bad.integer(0, 1000),
  topP: { ...bad.number(0, 1), refused: [{ value: 0 }, { value: 1.1 }] },
  minP: bad.number(0, 1),
  repetitionPenalty: bad.number(0.5, 2),
  maxTokens: bad.integer(1, 4096),
  maxSeconds: { ...bad.number(0, 86_400), refused: [{ value: 0 }, { value: -1 }, { value: 86_401 }] },
  seed: bad.integer(0, 2 ** 31 - 1),
  presencePenalty: bad.number(-2, 2),
  frequencyPenalty: bad.number(-2, 2),
  dryMultiplier: bad.number(0, 5),
  dryBase: bad.number(1, 4),
  dryAllowedLength: bad.integer(1, 50),
  xtcProbability: bad.number(0, 1),
  xtcThreshold: { ...bad.number(0, 0.5), refused: [{ value: 0 }, { value: 0.51 }] },
  logitBias: {
    refused: [{ value: Array(65).fill({ text: '.', bias: 1 }) }],
    uncoercible: [[null], [{}], [{ text: '.' }], [{ bias: 1 }], 5],
    harmless: [[]],
  },
  'logitBias.text': piece,
  'logitBias.bias': bad.number(-100, 100),
  bannedPhrases: bad.listOf(32, piece, '.'),
  stop: bad.listOf(8, piece, '.'),
});
const form = under('input.form', {
  'fromTune.tune': bad.idOf('Draft', 'InvalidInputError'),
  'fromTune.abc': {
    refused: ['', 'ABc', 'K:D\n', "M:4/4\nL:1/4\nK:D\nA,,,Bc^d''|", 'a\0b', 'A'.repeat(16_385)].map((value) => ({
      value,
    })),
    uncoercible: [5, true, ['a', 'b'], {}],
  },
  preset: bad.oneOf,
  stanzas: {
    refused: [{ value: [] }, { value: Array(21).fill({ lines: 1 }) }],
    uncoercible: [[null], 5, 'SONNET'],
  },
  'stanzas.label': bad.oneOf,
  'stanzas.lines': bad.integer(1, 60),
  'stanzas.rhyme': {
    refused: ['', 'a', 'AB', '1', '雪', 'A\0', '\ud800'].map((value) => ({ value })),
    uncoercible: [5, true, ['A'], {}],
  },
  'stanzas.syllables': {
    refused: [{ value: [0], at: '.0' }, { value: [21], at: '.0' }, { value: [5, 7] }],
    uncoercible: [[null], ['five'], [2 ** 31], {}],
  },
  'stanzas.metre': bad.oneOf,
  'stanzas.refrainOf': {
    refused: [-1, 0, 1, 2 ** 31 - 1].map((value) => ({ value })),
    uncoercible: ['none', true, 0.5, {}],
  },
});
const refusing = (...values: unknown[]): bad.BadValues => ({
  refused: values.map((value) => ({ value })),
  uncoercible: [5, true, ['a', 'b'], {}],
});
const format = under('input.format', {
  jsonSchema: {
    refused: ['string', 5, { not: {} }, [], { type: 'object', minProperties: 1 }].map((value) => ({ value })),
    uncoercible: [],
  },
  regex: { refused: ['(', '(?=a)', 'a'.repeat(4_097)].map((value) => ({ value })), uncoercible: [5, true, {}] },
  choice: { refused: [[], [''], Array(1_001).fill('a')].map((value) => ({ value })), uncoercible: [[null], {}] },
  gbnf: { refused: ['', 'a', 'root ::= root "a"'].map((value) => ({ value })), uncoercible: [5, true, {}] },
  lark: { refused: ['', 'a', 'start: start "a"'].map((value) => ({ value })), uncoercible: [5, true, {}] },
});
const tuneSettings = under('input.tune', {
  key: refusing('', 'H', 'a\0b', 'D'.repeat(1000)),
  mode: bad.oneOf,
  metre: refusing('', '7/0', '6:8', '99/1', '1'.repeat(10_000)),
  form: refusing('', 'aabb', 'AC', 'A'.repeat(9)),
  bars: bad.integer(4, 32),
  type: bad.oneOf,
  tempo: bad.integer(40, 240),
  density: bad.number(0.5, 2),
  'range.lowest': refusing('', 'C1', 'H4'),
  'range.highest': refusing('', 'C8', 'H4'),
  'mood.valence': bad.number(-1, 1),
  'mood.arousal': bad.number(-1, 1),
  'mood.words': refusing('', 'purple', 'happy '.repeat(100)),
  'mood.draftId': bad.idOf('Draft', 'InvalidInputError'),
  startWith: refusing('', 'A', 'K:D', '|:', 'x'.repeat(2001)),
  'infill.tune': bad.idOf('Draft', 'InvalidInputError'),
  'infill.abc': refusing('', 'ABc', 'K:D\n', 'A'.repeat(16_385)),
  'infill.bars': {
    refused: [[], [0], [2 ** 31 - 1], Array(201).fill(1)].map((value) => ({ value })),
    uncoercible: ['one', [null], [1.5], {}],
  },
  variationOf: bad.idOf('Draft', 'InvalidInputError'),
});
/** Of a list that may be kept no more: none is missing. */
const { missing: _, ...anyId } = bad.idOf('Track');
const someFeedback = under('input', {
  listenerId: bad.idOf('Listener', 'NotFoundError'),
  trackId: bad.idOf('Track', 'NotFoundError'),
  listenerExternalId: bad.text({ max: 128 }),
  // Beside trackId, any is refused.
  trackExternalId: { refused: [{ value: 'of another app' }], uncoercible: [5, true, {}] },
  kind: bad.oneOf,
  listenedMs: bad.integer(0, 86_400_000),
  at: bad.instant,
  requestId: { ...anyId, uncoercible: [1.5, true, {}] },
  idempotencyKey: bad.text({ max: 200 }),
});

const account: bad.BadValues = {
  ...bad.text({ max: 128 }),
  refused: [...bad.text({ max: 128 }).refused, { value: ' ann' }, { value: 'visitor:1' }],
};
const origin: bad.BadValues = {
  refused: ['', 'app.example.com', 'https://', 'https://a.example/', 'https://a.example/x', '*', 'null'].map(
    (value) => ({ value }),
  ),
  uncoercible: [5, true, {}],
};
/** No Base64, and what decodes leniently. */
const noBase64 = ['%', 'a', 'aGk', 'aGk=\n', 5, true, {}];
/** Bytes that are no update of Yjs. */
const noUpdate = ['', '/w==', 'aGVsbG8='];

/** The end of a document's text, as a relative position, and what is none in it. */
const PLACE = 'AQR0ZXh0AA==';
const noPlace: bad.BadValues = {
  refused: ['', 'AAAA', 'aGVsbG8=', 'AQROb25lAA==', 'AAAA'.repeat(60)].map((value) => ({ value })),
  uncoercible: noBase64,
};

export interface Fixture {
  /** Id of a document of the viewer, and of a version of it. */
  document: string;
  version: string;
  /** Id of a finished draft of the viewer. */
  draft: string;
  /** Id of a group that it is the only draft of. */
  group: string;
  /** A cursor of each list, by the list's name here. */
  cursors: Readonly<Record<string, string>>;
}

interface FieldEntry {
  /** What makes a call of it good. */
  args?: Record<string, unknown>;
  /** What each argument must withstand. */
  of: Record<string, bad.BadValues>;
}

const saying = (name: string, value: unknown, values: bad.BadValues): FieldEntry => ({
  args: { trackId: track, [name]: value },
  of: {
    trackId: bad.idOf('Track', 'NotFoundError'),
    [name]: values,
    requestId: { ...bad.idOf('Track'), missing: undefined as never, uncoercible: [1.5, true, {}] },
  },
});

/** Every field with arguments. */
export function argumentTable({ draft, group, document, version, cursors }: Fixture): Record<string, FieldEntry> {
  const cursorOf = (list: string): bad.BadValues => {
    const others = Object.entries(cursors).filter(([name]) => name !== list);
    return bad.cursor(
      cursors[list]!,
      others.map(([, other]) => other),
    );
  };
  const page = (list: string) => ({ first: bad.first, after: cursorOf(list) });
  return {
    'Query.analytics': {
      of: { from: bad.moment, to: bad.moment, modelVersion: bad.text({ max: 200 }), timeZone: bad.text({ max: 64 }) },
    },
    'Analytics.breakdown': {
      args: { by: ['DAY'] },
      of: {
        by: { refused: [{ value: [] }, { value: ['DAY', 'DAY'] }], uncoercible: [['NOPE'], [5], {}] },
        first: bad.first,
      },
    },
    'Query.offPolicyEstimate': { of: { modelVersion: bad.text({ max: 200 }) } },
    'TrackExplanation.outweighedBy': { of: { first: bad.first } },
    'TrackExplanation.summary': { of: { locale: bad.oneOf } },
    'Query.analyseText': {
      of: {
        text: {
          ...bad.text({ min: 0, max: 200_000 }),
          harmless: ['', '\u202e\u200f', 'e\u0301'.repeat(2_000), '💥'.repeat(2_000)],
        },
        draftId: bad.idOf('Draft', 'NotFoundError'),
      },
    },
    'Finding.reason': { of: { locale: bad.oneOf } },
    'Query.checkTune': {
      of: {
        abc: {
          refused: [{ value: 'A'.repeat(16_385) }],
          uncoercible: [5, true, ['a', 'b'], {}],
          harmless: ['', 'a\0b', '\ud800', 'A'.repeat(16_384)],
        },
      },
    },
    'Draft.tokens': { of: { from: bad.integer(0, 4), first: bad.first } },
    'Draft.children': { of: page('children') },
    'Query.classifyText': { args: { texts: ['a'] }, of: { texts, classifier: bad.text({ max: 50 }) } },
    'Query.detectLanguage': { of: { texts } },
    'Query.embed': { of: { texts } },
    'Query.moodOf': { of: { texts } },
    'Query.scoreText': { of: { text: bad.text({ max: 4_000 }) } },
    'Query.unexpectedWords': { of: { text: bad.text({ max: 4_000 }) } },
    'Query.sentiment': { of: { texts } },
    'Query.translate': {
      args: { texts: ['a'], from: 'en', to: 'pt', glossary: [{ source: 'a', target: 'b' }] },
      of: {
        texts,
        from: languageCode,
        to: languageCode,
        glossary: manyTerms,
        ...under('glossary', { source: glossaryTerm, target: glossaryTerm }),
      },
    },
    'Query.draft': { of: { id: bad.idOf('Draft') } },
    'Query.document': { of: { id: bad.idOf('Document') } },
    'Query.documents': { of: page('documents') },
    'Document.text': { of: { format: bad.oneOf } },
    'Document.state': {
      of: { stateVector: { refused: [{ value: '/w==' }], uncoercible: noBase64 } },
    },
    'Document.versions': { of: page('versions') },
    'Mutation.createDocument': {
      args: { input: { title: 'T' } },
      of: under('input', { title: bad.text({ max: 200 }), text: bad.text({ min: 0, max: 50_000 }) }),
    },
    'Mutation.renameDocument': {
      args: { id: document, title: 'T' },
      of: { id: bad.idOf('Document', 'NotFoundError'), title: bad.text({ max: 200 }) },
    },
    'Mutation.deleteDocument': { of: { id: bad.idOf('Document', 'NotFoundError') } },
    'Mutation.pushUpdates': {
      args: { input: { documentId: document, updates: [] } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        updates: {
          refused: [
            { value: Array(101).fill('AAA=') },
            ...noUpdate.map((value) => ({ value: ['AAA=', value], at: '.1' })),
          ],
          uncoercible: [...noBase64.filter((value) => typeof value !== 'object'), [null], ['%']],
          harmless: [[], ['AAA=']],
        },
        stateVector: { refused: [{ value: '/w==' }], uncoercible: noBase64 },
      }),
    },
    'Mutation.setPresence': {
      args: { input: { documentId: document, clientId: 1, clock: 1 } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        clientId: bad.number(0, 2 ** 32 - 1, 0.5),
        clock: bad.integer(0, 2 ** 31 - 1),
        state: {
          refused: ['', 'x', '[]', 'null', '5', '{"a":"\\u0000"', `{"a":"${'x'.repeat(1_000)}"}`].map((value) => ({
            value,
          })),
          uncoercible: [5, true, {}],
        },
      }),
    },
    'Mutation.setDocumentMember': {
      args: { input: { documentId: document, listenerId: encodeId('Listener', 999_999_999), role: 'READER' } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        listenerId: bad.idOf('Listener', 'NotFoundError'),
        role: bad.oneOf,
      }),
    },
    'Mutation.shareDocument': {
      args: { input: { documentId: document, role: 'READER' } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        role: bad.oneOf,
        expiresAt: bad.instant,
      }),
    },
    'Mutation.revokeDocumentLinks': { of: { id: bad.idOf('Document', 'NotFoundError') } },
    'Mutation.joinDocument': {
      of: {
        secret: {
          refused: [],
          uncoercible: [5, true, {}],
          harmless: ['', 'guessed', 'a\0b', '\ud800', 'x'.repeat(10_000)],
        },
      },
    },
    'Mutation.saveDocumentVersion': {
      args: { input: { documentId: document, name: 'v' } },
      of: under('input', { documentId: bad.idOf('Document', 'NotFoundError'), name: bad.text({ max: 200 }) }),
    },
    'Mutation.restoreDocumentVersion': {
      args: { id: version },
      of: { id: bad.idOf('DocumentVersion', 'NotFoundError') },
    },
    'Document.assists': { of: page('assists') },
    'Mutation.assist': {
      args: {
        input: {
          ...{ documentId: document, task: 'CONTINUE', range: { start: PLACE, end: PLACE } },
          ...{ mode: 'SUGGEST', alternatives: 1 },
          sampling: { logitBias: [{ text: '.', bias: 1 }] },
          form: { stanzas: [{ lines: 1 }] },
          tune: { infill: { abc: 'M:4/4\nL:1/4\nK:D\nABcd|', bars: [1] } },
        },
      },
      of: {
        ...sampling,
        ...form,
        ...tuneSettings,
        ...under('input', {
          documentId: bad.idOf('Document', 'NotFoundError'),
          task: bad.oneOf,
          mode: bad.oneOf,
          alternatives: bad.integer(1, 5),
          'range.start': noPlace,
          'range.end': noPlace,
          instruction: bad.text({ max: 8_000 }),
          tone: bad.oneOf,
          kind: bad.oneOf,
          modelId: bad.idOf('Model', 'InvalidInputError'),
          idempotencyKey: bad.text({ max: 200 }),
        }),
      },
    },
    'Mutation.suggest': {
      args: { input: { documentId: document, range: { start: PLACE, end: PLACE }, alternatives: ['x'] } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        'range.start': noPlace,
        'range.end': noPlace,
        alternatives: {
          refused: [{ value: [] }, { value: Array(6).fill('x') }],
          uncoercible: [[5], [{}]],
          harmless: [],
        },
      }),
    },
    'Mutation.acceptSuggestion': {
      args: { input: { documentId: document, suggestionId: 'none' } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        suggestionId: { refused: [], uncoercible: [{}], missing: { value: 'none', becomes: 'NotFoundError' } },
        choice: { refused: [], uncoercible: [1.5, 'x'], harmless: [] },
      }),
    },
    'Mutation.rejectSuggestion': {
      args: { input: { documentId: document, suggestionId: 'none' } },
      of: under('input', {
        documentId: bad.idOf('Document', 'NotFoundError'),
        suggestionId: { refused: [], uncoercible: [{}], missing: { value: 'none', becomes: 'NotFoundError' } },
      }),
    },
    'Mutation.cancelAssist': { of: { id: bad.idOf('Assist', 'NotFoundError') } },
    'Mutation.undoAssist': { of: { id: bad.idOf('Assist', 'NotFoundError') } },
    'Subscription.documentUpdates': {
      args: { documentId: document },
      of: {
        documentId: bad.idOf('Document', 'NotFoundError'),
        // At the end of the log it says nothing before something changes.
        after: { ...cursorOf('document'), harmless: [] },
        stateVector: { refused: [{ value: '/w==' }], uncoercible: noBase64 },
      },
    },
    'Subscription.documentPresence': {
      args: { documentId: document },
      of: { documentId: bad.idOf('Document', 'NotFoundError') },
    },
    'Query.evaluations': { of: { first: bad.first } },
    'Query.explanation': { args: { trackId: track }, of: { trackId: bad.idOf('Track'), ...steering } },
    'Query.listener': {
      of: { externalId: { refused: [], uncoercible: [5, {}], harmless: ['', 'x'.repeat(10_000), 'a\0b', '\ud800'] } },
    },
    'Query.modelVersions': { of: { first: bad.first } },
    'Query.node': { of: { id: bad.anyId } },
    'Onboarding.recommendations': { of: page('onboarding') },
    'Onboarding.tracks': { of: { first: bad.first } },
    'Onboarding.artists': { of: { first: bad.first } },
    'Query.nodes': { of: { ids: bad.listOf(100, bad.anyId, track) } },
    'Query.recommendations': {
      of: {
        ...page('recommendations'),
        ...list,
      },
    },
    'Query.groupRecommendations': {
      args: { listenerIds: [member] },
      of: {
        listenerIds: { ...members, refused: [...members.refused, { value: [] }], harmless: [] },
        strategy: bad.oneOf,
        ...filter,
        includeHeard: bad.flag,
        first: bad.first,
      },
    },
    'Query.radio': {
      of: { ...page('radio'), ...steering, diversity: bad.number(0, 1), includeHeard: bad.flag },
    },
    'Query.artist': { of: { id: bad.idOf('Artist') } },
    'Query.album': { of: { id: bad.idOf('Album') } },
    'Query.artists': { of: { ...page('artists'), ...nameSearch } },
    'Query.tags': { of: { ...page('tags'), ...nameSearch } },
    'Query.albums': { of: { ...page('albums'), ...nameSearch } },
    'Query.track': { of: { id: bad.idOf('Track') } },
    'Query.tracksByExternalId': { of: { externalIds: bad.listOf(100, bad.text({ max: 200 }), 't1') } },
    'Query.tracks': {
      args: { filter: { metadata: [{ key: 'bpm' }] } },
      of: {
        ...page('POPULARITY'),
        ...filter,
        'filter.albumIds': bad.listOf(100, bad.idOf('Album'), album),
        'filter.isrcs': bad.listOf(100, isrc, 'USRC17607839'),
        'filter.tags': bad.listOf(100, bad.text({ max: 100 }), 'calm'),
        'filter.metadata': {
          refused: [
            { value: Array(21).fill({ key: 'bpm' }) },
            { value: [{ key: 'bpm', min: 2, max: 1 }], at: '.0.min' },
          ],
          uncoercible: [5, [null], [{}]],
        },
        ...under('filter.metadata', condition),
        orderBy: bad.oneOf,
        direction: bad.oneOf,
        search: bad.text({ min: 0, max: 200 }),
        meaning: bad.text({ max: 500 }),
      },
    },
    'Artist.tracks': {
      of: {
        ...page('artist'),
        roles: { refused: [], uncoercible: ['NOPE', 5, [null]], harmless: [[], ['COMPOSER', 'MAIN']] },
      },
    },
    'Artist.albums': { of: page('albumsOfArtist') },
    'Album.coverUrl': { of: { size: bad.integer(1, 10_000) } },
    'Album.tracks': { of: page('album') },
    'Track.artists': {
      of: { roles: { refused: [], uncoercible: ['NOPE', 5, [null]], harmless: [[], ['COMPOSER', 'MAIN']] } },
    },
    'Track.coverUrl': { of: { size: bad.integer(1, 10_000) } },
    'Track.metadata': {
      of: {
        keys: {
          refused: [{ value: Array(51).fill('bpm') }],
          uncoercible: [5, [null], {}],
          harmless: [[], ['nope', '']],
        },
      },
    },
    'Track.similar': { of: page('similar') },
    'Track.versions': { of: { first: bad.first } },
    'Track.tags': { of: { first: bad.first } },
    'Listener.drafts': {
      of: {
        ...page('drafts'),
        search: bad.text({ min: 0, max: 200 }),
        'filter.kinds': {
          ...bad.listOf(5, bad.oneOf, 'POEM'),
          refused: [],
          harmless: [[], Array(70_000).fill('POEM')],
        },
        'filter.statuses': { ...bad.listOf(5, bad.oneOf, 'FAILED'), refused: [], harmless: [[]] },
        'filter.updatedSince': {
          ...bad.instant,
          ...{ refused: [], harmless: bad.instant.refused.map(({ value }) => value) },
        },
      },
    },
    'Listener.tracks': { args: { mark: 'SAVED' }, of: { ...page('tracksOfListener'), mark: bad.oneOf } },
    'Listener.feedback': {
      of: {
        ...page('feedback'),
        kinds: { ...bad.listOf(7, bad.oneOf, 'LIKE'), refused: [], harmless: [[], Array(70_000).fill('LIKE')] },
      },
    },
    'Tune.svg': { of: { width: bad.integer(320, 2000) } },
    'Tune.wav': { of: { instrument: bad.oneOf } },
    'Explanation.reasons': { of: { first: bad.first } },
    'Explanation.remainder': { of: { first: bad.first } },
    'Explanation.summary': { of: { locale: bad.oneOf } },
    'Reason.summary': { of: { locale: bad.oneOf } },
    'HistoryReason.summary': { of: { locale: bad.oneOf } },
    'PreferenceReason.summary': { of: { locale: bad.oneOf } },
    'PopularityReason.summary': { of: { locale: bad.oneOf } },
    'Query.auditLog': { of: { ...page('auditLog'), action: bad.text({ max: 100 }) } },
    'Query.apiKeys': { of: { ...page('apiKeys'), ownerId: bad.idOf('Listener') } },
    'Mutation.createApiKey': {
      args: { input: { name: 'a key', owner: 'ann' } },
      of: under('input', {
        name: bad.text({ max: 100 }),
        owner: account,
        actsFor: account,
        roles: { refused: [{ value: [] }], uncoercible: [['NOPE'], [5], {}] },
        origins: bad.listOf(20, origin, 'https://app.example.com'),
        ...under('quota', quota),
        expiresAt: {
          ...bad.instant,
          refused: [...bad.instant.refused, { value: '2020-01-01T00:00:00Z' }, { value: '2200-01-01T00:00:00Z' }],
        },
      }),
    },
    'Query.usage': {
      args: { from: '2026-11-01', to: '2026-11-30' },
      of: { ...page('usage'), from: bad.moment, to: bad.moment, keyId: bad.idOf('ApiKey') },
    },
    'Mutation.setApiKeyQuota': {
      args: { id: encodeId('ApiKey', 1), quota: {} },
      of: { id: bad.idOf('ApiKey', 'NotFoundError'), ...under('quota', quota) },
    },
    'Mutation.rotateApiKey': {
      args: { id: encodeId('ApiKey', 1) },
      of: { id: bad.idOf('ApiKey', 'NotFoundError'), graceSeconds: bad.integer(0, 30 * 24 * 3_600) },
    },
    'Mutation.revokeApiKey': { of: { id: bad.idOf('ApiKey', 'NotFoundError') } },
    'Mutation.activateModelVersion': { of: { modelVersion: bad.text({ max: 200 }) } },
    'Mutation.startDraft': {
      args: {
        input: {
          ...{ kind: 'POEM', prompt: 'rain', sampling: { logitBias: [{ text: '.', bias: 1 }] } },
          form: { stanzas: [{ lines: 1 }] },
          tune: { infill: { abc: 'M:4/4\nL:1/4\nK:D\nABcd|', bars: [1] } },
        },
      },
      of: {
        ...sampling,
        ...form,
        ...format,
        ...tuneSettings,
        ...under('input', {
          kind: bad.oneOf,
          prompt: bad.text({ max: 8_000 }),
          title: bad.text({ max: 200 }),
          visibility: bad.oneOf,
          modelId: bad.idOf('Model', 'InvalidInputError'),
          alternatives: bad.integer(1, 8),
          idempotencyKey: bad.text({ max: 200 }),
        }),
      },
    },
    'Mutation.continueDraft': {
      args: {
        input: {
          draftId: draft,
          ifRevision: 1,
          sampling: { logitBias: [{ text: '.', bias: 1 }] },
          form: { stanzas: [{ lines: 1 }] },
        },
      },
      of: {
        ...sampling,
        ...form,
        'input.draftId': bad.idOf('Draft', 'NotFoundError'),
        'input.newest': besideId,
        'input.instruction': bad.text({ max: 8_000 }),
        'input.at': bad.integer(0, 2 ** 31 - 1),
        'input.ifRevision': bad.integer(0, 2 ** 31 - 1),
        'input.idempotencyKey': bad.text({ max: 200 }),
      },
    },
    'Mutation.updateDraft': {
      args: { input: { draftId: draft, text: 'typed', ifRevision: 1 } },
      of: under('input', {
        draftId: bad.idOf('Draft', 'NotFoundError'),
        newest: besideId,
        title: bad.text({ max: 200 }),
        visibility: bad.oneOf,
        text: bad.text({ min: 0, max: 100_000 }),
        ifRevision: bad.integer(0, 2 ** 31 - 1),
        idempotencyKey: bad.text({ max: 200 }),
      }),
    },
    'Mutation.cancelDraft': { of: { id: bad.idOf('Draft', 'NotFoundError') } },
    'Mutation.branchDraft': {
      args: {
        input: {
          draftId: draft,
          ifRevision: 1,
          sampling: { logitBias: [{ text: '.', bias: 1 }] },
          form: { stanzas: [{ lines: 1 }] },
        },
      },
      of: {
        ...sampling,
        ...form,
        ...under('input', {
          draftId: bad.idOf('Draft', 'NotFoundError'),
          at: bad.integer(0, 2 ** 31 - 1),
          text: bad.text({ min: 0, max: 1_000 }),
          instruction: bad.text({ max: 8_000 }),
          ifRevision: bad.integer(0, 2 ** 31 - 1),
          alternatives: bad.integer(1, 8),
          idempotencyKey: bad.text({ max: 200 }),
        }),
      },
    },
    'Mutation.rewriteDraft': {
      args: {
        input: {
          ...{ draftId: draft, ifRevision: 1, range: { start: 0, end: 4 } },
          sampling: { logitBias: [{ text: '.', bias: 1 }] },
        },
      },
      of: {
        ...sampling,
        ...under('input', {
          draftId: bad.idOf('Draft', 'NotFoundError'),
          newest: besideId,
          'range.start': bad.integer(0, 4),
          'range.end': bad.integer(0, 4),
          insertAt: bad.integer(0, 4),
          instruction: bad.text({ max: 8_000 }),
          tone: bad.oneOf,
          ifRevision: bad.integer(0, 2 ** 31 - 1),
          alternatives: bad.integer(1, 8),
          idempotencyKey: bad.text({ max: 200 }),
        }),
      },
    },
    'Mutation.applyRewrite': {
      args: { input: { draftId: draft } },
      of: under('input', {
        draftId: bad.idOf('Draft', 'NotFoundError'),
        newest: besideId,
        ifRevision: bad.integer(0, 2 ** 31 - 1),
        idempotencyKey: bad.text({ max: 200 }),
      }),
    },
    'Mutation.chooseDraft': { of: { id: bad.idOf('Draft', 'NotFoundError') } },
    'Mutation.deleteDraft': { of: { id: bad.idOf('Draft', 'NotFoundError') } },
    'Mutation.removeFeedback': { of: { id: bad.idOf('Feedback', 'NotFoundError') } },
    'Mutation.recordFeedback': { args: { input: { trackId: track, kind: 'LIKE' } }, of: someFeedback },
    'Mutation.recordFeedbackBatch': {
      args: { input: [{ trackId: track, kind: 'LIKE' }] },
      of: {
        ...someFeedback,
        input: { refused: [{ value: Array(1_001).fill({ trackId: track, kind: 'LIKE' }) }], uncoercible: [5, [null]] },
      },
    },
    'Mutation.setReaction': saying('reaction', 'LIKE', bad.oneOf),
    'Mutation.setSaved': saying('saved', true, bad.flag),
    'Mutation.setHidden': saying('hidden', true, bad.flag),
    'Mutation.setPreferences': {
      args: { input: { genres: [{ genre: 'jazz' }] } },
      of: under('input', {
        genres: {
          refused: [
            { value: Array(101).fill({ genre: 'jazz' }) },
            { value: [{ genre: 'jazz' }, { genre: 'jazz' }], at: '.1.genre' },
            { value: [{ genre: 'no-such-genre' }], at: '.0.genre' },
          ],
          uncoercible: [[null], [{}], 5],
        },
        'genres.genre': bad.text({ max: 100 }),
        'genres.weight': bad.number(-1, 1),
        artistIds: bad.listOf(100, bad.idOf('Artist', 'NotFoundError'), artist),
        tags: bad.listOf(50, bad.text({ max: 100 }), 'calm'),
        text: bad.text({ min: 0, max: 1_000 }),
        allowExplicit: bad.flag,
      }),
    },
    'Mutation.declareMetadataKeys': {
      args: { input: [{ name: 'bpm', type: 'NUMBER' }] },
      of: {
        input: {
          refused: [
            { value: Array.from({ length: 51 }, (_, i) => ({ name: `k${i}`, type: 'STRING' })) },
            { value: Array.from({ length: 49 }, (_, i) => ({ name: `k${i}`, type: 'STRING' })) },
            {
              value: [
                { name: 'a', type: 'STRING' },
                { name: 'a', type: 'NUMBER' },
              ],
              at: '.1.type',
            },
          ],
          uncoercible: [5, [null], [{}]],
        },
        'input.name': {
          refused: ['', ' ', '1a', 'a-b', 'a b', 'x'.repeat(51), 'a\0', '__proto__', 'é'].map((value) => ({ value })),
          uncoercible: [5, true, {}],
        },
        'input.type': { refused: [{ value: 'STRING' }], uncoercible: ['NOPE', '', 5, {}] },
      },
    },
    'Mutation.removeMetadataKey': {
      of: { name: { refused: [], uncoercible: [5, {}], missing: { value: 'nope', becomes: 'NotFoundError' } } },
    },
    'Mutation.withdrawTracks': {
      args: { input: { externalIds: ['t0'] } },
      of: under('input', {
        externalIds: bad.listOf(1_000, bad.text({ max: 200 }), 't0'),
        ids: bad.listOf(1_000, bad.idOf('Track', 'NotFoundError'), track),
      }),
    },
    'Mutation.eraseListener': {
      of: {
        'input.listenerId': bad.idOf('Listener', 'NotFoundError'),
        'input.externalId': {
          refused: [...bad.text({ max: 128 }).refused],
          uncoercible: [5, true, {}],
          missing: { value: 'nobody', becomes: 'NotFoundError' },
        },
      },
    },
    'Mutation.claimVisitor': { of: { visitorToken: bad.text({ max: 1 }) } },
    'Mutation.setConsent': {
      args: { input: { training: false } },
      of: {
        'input.listenerId': bad.idOf('Listener', 'NotFoundError'),
        'input.externalId': {
          refused: [...bad.text({ max: 128 }).refused],
          uncoercible: [5, true, {}],
          missing: { value: 'nobody', becomes: 'NotFoundError' },
        },
        'input.training': bad.flag,
        'input.analytics': bad.flag,
      },
    },
    'Mutation.eraseMe': { of: { confirm: bad.text({ max: 1 }) } },
    'Mutation.upsertTracks': {
      args: {
        input: [
          {
            ...{ externalId: 'new', title: 'T', artists: [{ name: 'A' }] },
            album: { title: 'T', covers: [{ url: 'https://a.example/1' }] },
            covers: [{ url: 'https://a.example/1' }],
            externalUrls: [{ service: 's', url: 'https://a.example' }],
          },
        ],
      },
      of: {
        input: {
          refused: [
            { value: Array.from({ length: 1_001 }, (_, i) => ({ externalId: `n${i}`, title: 'T', artist: 'A' })) },
            { value: Array(2).fill({ externalId: 'n', title: 'T', artist: 'A' }), at: '.1.externalId' },
            {
              value: [
                { externalId: 'n', title: 'T', artist: 'A' },
                { externalId: 'm', title: '', artist: 'A' },
              ],
              at: '.1.title',
            },
          ],
          uncoercible: [5, [null], [{}]],
        },
        ...under('input', {
          externalId: bad.text({ max: 200 }),
          title: bad.text({ max: 500 }),
          artist: bad.text({ max: 500 }),
          'album.title': bad.text({ max: 500 }),
          'album.externalId': bad.text({ max: 200 }),
          'album.artists': bad.listOf(20, bad.text({ max: 500 }), 'A'),
          'album.releaseDate': {
            refused: ['', '71', '1971-13', '1971-02-30', '1971-11-8', '0071', 'x', 'a\0', '1971-11-08T00:00:00Z'].map(
              (value) => ({ value }),
            ),
            uncoercible: [5, true, {}],
          },
          'album.covers': cover(20),
          'album.covers.url': address,
          'album.covers.size': bad.integer(1, 10_000),
          artists: {
            refused: [
              { value: [] },
              { value: [{ name: 'A', role: 'COMPOSER' }] },
              { value: Array(101).fill({ name: 'A' }) },
            ],
            uncoercible: [5, [null], [{}]],
          },
          'artists.name': bad.text({ max: 500 }),
          'artists.role': { refused: [], uncoercible: ['NOPE', '', 5, {}] },
          discNumber: bad.integer(1, 1_000),
          trackNumber: bad.integer(1, 10_000),
          isrc: { ...isrc, refused: isrc.refused.slice(1) },
          covers: cover(20),
          'covers.url': address,
          'covers.size': bad.integer(1, 10_000),
          previewUrl: { ...address, refused: address.refused.filter(({ value }) => String(value).trim() !== '') },
          externalUrls: {
            refused: [
              { value: Array.from({ length: 21 }, (_, i) => ({ service: `s${i}`, url: 'https://a.example' })) },
              { value: Array(2).fill({ service: 's', url: 'https://a.example' }) },
            ],
            uncoercible: [5, [null], [{}]],
          },
          'externalUrls.service': {
            refused: ['', ' ', 'x'.repeat(41), '-a', 'a b', 'a\0', '雪'].map((value) => ({ value })),
            uncoercible: [5, true, {}],
          },
          'externalUrls.url': address,
          metadata,
          releaseYear: bad.integer(1000, 2100),
          durationMs: bad.integer(1, 86_400_000),
          explicit: bad.flag,
          genres: bad.listOf(20, { ...bad.text({ max: 100 }), harmless: [] }, 'Jazz'),
          tags: bad.listOf(200, bad.text({ max: 100 }), 'calm'),
        }),
      },
    },
    'Subscription.draftEvents': {
      args: { draftId: draft },
      of: {
        draftId: bad.idOf('Draft', 'NotFoundError'),
        newest: besideId,
        after: cursorOf('draft'),
        keepOpen: bad.flag,
      },
    },
    'Subscription.draftGroupEvents': {
      args: { groupId: group },
      of: { groupId: bad.idOf('DraftGroup', 'NotFoundError'), after: cursorOf('draftGroup'), keepOpen: bad.flag },
    },
    'Subscription.draftReport': { of: { draftId: bad.idOf('Draft', 'NotFoundError') } },
    'Subscription.recommendations': { of: { ...list, first: bad.first } },
    'Subscription.recommendationsChanged': { of: refusedOnly({ ...list, first: bad.first }) },
  };
}
