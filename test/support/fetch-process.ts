import { readFileSync } from 'node:fs';
import { type ModelEntry, openModelStore } from '../../src/ml/engine.ts';

/** Run as a process of its own: fetches the entry in the file of the second argument into the folder of the first. */
const [folder = '', entryFile = ''] = process.argv.slice(2);
const entry = JSON.parse(readFileSync(entryFile, 'utf8')) as ModelEntry;
const onStep = (step: string) => process.stdout.write(`${step}\n`);
await openModelStore(folder).fetch(entry, { signal: new AbortController().signal, onStep });
process.stdout.write('done\n');
