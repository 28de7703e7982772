import { readFileSync } from 'node:fs';
import { type ModelEntry, openModelStore } from '../../../src/ml/engine.ts';
import { directNetwork } from '../../../src/ml/store/network.ts';

/**
 * Run as a process of its own: fetches the entry in the file of the second argument into the folder of the first, https
 * through the proxy of the third, if there is one.
 */
const [folder = '', entryFile = '', https = null] = process.argv.slice(2);
const entry = JSON.parse(readFileSync(entryFile, 'utf8')) as ModelEntry;
const onStep = (step: string) => process.stdout.write(`${step}\n`);
const network = https === null ? directNetwork : { hubToken: null, proxies: { http: null, https, except: '' } };
await openModelStore(folder, { network }).fetch(entry, { signal: new AbortController().signal, onStep });
process.stdout.write('done\n');
