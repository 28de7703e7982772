import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const rooms = [
  'access',
  'catalogue',
  'db',
  'documents',
  'drafts/log',
  'drafts/nodes',
  'ingest',
  'listeners',
  'recommend',
];
const moreRooms = ['report', 'resolvers', 'schema', 'transport', 'tunes', 'verse'];
const shared = ['test/drafts/*.test.ts', ...[...rooms, ...moreRooms].map((room) => `test/${room}/**/*.test.ts`)];
const postgres = 'test/support/postgres/postgres.ts';

export default defineConfig({
  // Node.js gives everybody graphql's CommonJS build; Vite would give ours another, and errors of one are none of the other's.
  resolve: { alias: { graphql: createRequire(import.meta.url).resolve('graphql') } },
  test: {
    pool: 'forks',
    // Tests wait for what is to happen, not for a time: these bounds only end one that waits in vain, on a machine however busy.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 200_000 } },
    // Two cores are the common size of a CI machine; more forks than that only makes Postgres and the engine compete.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        // These leave a process as they found it, so the server is loaded once for many files: that took a third of their time.
        test: {
          name: 'shared',
          include: shared,
          isolate: false,
          sequence: { groupOrder: 0 },
          globalSetup: [postgres],
        },
      },
      {
        extends: true,
        // These change variables of the environment, mock modules, load native libraries or run the product.
        test: {
          name: 'isolated',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: shared,
          sequence: { groupOrder: 1 },
          globalSetup: [postgres, 'test/support/left-out.ts'],
        },
      },
    ],
  },
});
