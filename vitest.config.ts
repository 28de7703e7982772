import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Node.js gives everybody graphql's CommonJS build; Vite would give ours another, and errors of one are none of the other's.
  resolve: { alias: { graphql: createRequire(import.meta.url).resolve('graphql') } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts', 'test/support/left-out.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores are the common size of a CI machine; more forks than that only makes Postgres and the engine compete.
    maxWorkers: 2,
  },
});
