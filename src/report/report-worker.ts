import { parentPort } from 'node:worker_threads';
import { answerJob } from '../lib/threads/job-worker.ts';
import type { VerseWords } from '../verse/verse.ts';
import { analyse } from './analyse.ts';
import type { TextReport } from './contract.ts';
import { readText } from './reading/read-text.ts';

/** A text to analyse. `words` comes with the first verse, and is kept. */
export interface ReportJob {
  text: string;
  words?: VerseWords;
}

/** `NEEDS_WORDS`: the job must be sent again, with the words of verse. */
export type ReportAnswer = TextReport | 'NEEDS_WORDS';

let known: VerseWords | null = null;

function answer({ text, words }: ReportJob): ReportAnswer {
  known ??= words ?? null;
  const reading = readText(text);
  if (reading.isVerse && reading.language === 'EN' && !known) return 'NEEDS_WORDS';
  return analyse(reading, known);
}

parentPort?.on('message', (job: ReportJob) => void answerJob(parentPort, () => answer(job)));
