import { ending } from './support/ending.ts';
import { stopAll } from './support/processes.ts';

const benches: Record<string, () => Promise<{ run: (args: string[]) => Promise<Record<string, number>> }>> = {
  engine: () => import('./engine.ts'),
  fanout: () => import('./fanout.ts'),
  recommender: () => import('./recommender.ts'),
  cluster: () => import('./cluster.ts'),
  requests: () => import('./requests.ts'),
  compile: () => import('./compile.ts'),
  soak: () => import('./soak.ts'),
  sampler: () => import('./sampler.ts'),
  constraint: () => import('./constraint.ts'),
  unread: () => import('./unread.ts'),
  worst: () => import('./worst.ts'),
  index: () => import('./catalogue-index.ts'),
  train: () => import('./train.ts'),
  storage: () => import('./storage.ts'),
  text: () => import('./text.ts'),
  import: () => import('./import.ts'),
  operations: () => import('./operations.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = benches[name];
if (!load) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const { run } = await load();
const figures = await ending((stack) => {
  stack.defer(stopAll);
  return run(args);
});
console.log(JSON.stringify(figures));
// Node.js 20 may spin for minutes in closing what killed children left, if it is let end by itself.
process.exit();
