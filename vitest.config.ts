import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Node.js gives everybody graphql's CommonJS build; Vite would give ours another, and errors of one are none of the other's.
  resolve: { alias: { graphql: createRequire(import.meta.url).resolve('graphql') } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/support/postgres/postgres.ts', 'test/support/left-out.ts'],
    pool: 'forks',
    // Tests wait for what is to happen, not for a time: these bounds only end one that waits in vain, on a machine however busy.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 200_000 } },
    // Two cores are the common size of a CI machine; more forks than that only makes Postgres and the engine compete.
    maxWorkers: 2,
  },
});
