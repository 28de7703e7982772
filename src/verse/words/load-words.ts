import { once } from 'node:events';
import { startWorker } from '../../lib/threads/worker.ts';
import type { VerseWords } from './verse-words.ts';

let loading: Promise<VerseWords> | null = null;

/** The words of verse, read once for the process in a worker: about a second, and 15 MB in shared memory. */
export async function loadVerseWords(): Promise<VerseWords> {
  loading ??= read();
  try {
    return await loading;
  } catch (error) {
    // The next verse tries again.
    loading = null;
    throw error;
  }
}

async function read(): Promise<VerseWords> {
  const worker = startWorker(import.meta.url, './words-worker');
  try {
    const [words] = (await once(worker, 'message')) as [VerseWords];
    return words;
  } finally {
    await worker.terminate();
  }
}
