// A process of its own that runs a cluster until it is told to stop or is killed: `cluster-process.ts DIRECTORY`.
import { startCluster } from '../../../src/db/embedded/embedded.ts';
import { StartupError } from '../../../src/lib/errors.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('which directory?');
try {
  const cluster = await startCluster({ directory });
  process.once('SIGTERM', () => void cluster.stop().then(() => process.exit(0)));
  console.log(cluster.url());
  setInterval(() => undefined, 60_000);
} catch (error) {
  console.error(error instanceof StartupError ? error.message : error);
  process.exitCode = 1;
}
