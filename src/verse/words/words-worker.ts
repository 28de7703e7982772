import { parentPort } from 'node:worker_threads';
import { buildVerseWords } from './verse-words.ts';

parentPort?.postMessage(buildVerseWords());
