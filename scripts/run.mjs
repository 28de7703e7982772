// `npm run backup -- …` is `node scripts/run.mjs database/backup …`: src/cli/database/backup.ts, compiled as `npm start`
// compiles the server, so that it needs no development dependency.
import { fileURLToPath } from 'node:url';
import { compile } from './compile.mjs';

const [node, , command, ...args] = process.argv;
compile();
const program = new URL(`../dist/cli/${command}.js`, import.meta.url);
process.argv = [node, fileURLToPath(program), ...args];
await import(program.href);
