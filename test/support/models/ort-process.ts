import { ort } from '../../../src/ml/ort/library.ts';
import { Session } from '../../../src/ml/ort/session.ts';

/**
 * Run as a process of its own, which a crash would end: opens each graph, or loads the library that the first argument names, and
 * writes a line of JSON of how that failed.
 */
const [kind, ...paths] = process.argv.slice(2);
for (const path of paths) {
  try {
    if (kind === 'library') ort(path);
    else await Session.open(path, { threads: 1 });
    process.stdout.write(`${JSON.stringify({ name: null })}\n`);
  } catch (error) {
    const { name, message, code = null } = error as Error & { code?: string | null };
    process.stdout.write(`${JSON.stringify({ name, message, code })}\n`);
  }
}
