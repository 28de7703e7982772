// A process of its own that has its turn at training until it is killed: `training-turn-process.ts URL`.
import { connect } from '../../../src/db/client.ts';
import { takeTurn } from '../../../src/db/nodes/turns.ts';

const [url] = process.argv.slice(2);
if (url === undefined) throw new Error('which database?');
await takeTurn(connect(url), 'training', new AbortController().signal);
console.log('taken');
setInterval(() => undefined, 60_000);
