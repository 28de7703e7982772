import { parentPort } from 'node:worker_threads';
import { eld } from 'eld/small';
import { answerJob } from '../../lib/threads/job-worker.ts';
import type { DetectedLanguage } from '../contract.ts';

function detect(text: string): DetectedLanguage {
  const result = eld.detect(text);
  if (result.language === '') return { language: null, confidence: 0, isReliable: false };
  return {
    language: result.language,
    confidence: result.getScores()[result.language] ?? 0,
    isReliable: result.isReliable(),
  };
}

parentPort?.on(
  'message',
  (texts: readonly string[]) => void answerJob(parentPort, () => texts.map((text) => detect(text))),
);
