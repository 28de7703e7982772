import { randomUUID } from 'node:crypto';
import type { NewDraft } from '../../../src/db/drafts/draft-inserts.ts';
import { type LogEvent, logTokens } from '../../../src/drafts/log/log-events.ts';
import type { Turn } from '../../../src/drafts/log/stored.ts';
import { NO_TEXT } from '../../../src/drafts/text/passages.ts';
import { opening } from '../../../src/drafts/turns/turn-events.ts';
import { defaultSampling, type Sampling, type Usage } from '../../../src/ml/engine.ts';

export const unused: Usage = {
  promptTokens: 0,
  completionTokens: 0,
  queueMs: null,
  timeToFirstTokenMs: null,
  tokensPerSecond: null,
};

export const samplingOf = (changes: Partial<Sampling> = {}): Sampling => ({
  ...{ ...defaultSampling, temperature: 0, topK: 1, topP: 1, repetitionPenalty: 1, maxTokens: 10, seed: 1 },
  ...changes,
});

export const firstTurn = (sampling = samplingOf()): Turn => ({
  instruction: null,
  sampling,
  from: 1,
  before: unused,
  model: null,
  asked: null,
  at: null,
  verse: null,
  format: null,
  tune: null,
});

/** A draft that is about to be written, as a service would record it. */
export function newDraft(changes: Partial<NewDraft> = {}): NewDraft {
  const sampling = samplingOf();
  return {
    ...{ id: randomUUID(), listenerId: 1, kind: 'POEM', title: 'Rain', prompt: 'rain', visibility: 'PRIVATE' },
    ...{
      modelId: 'scripted',
      sampling,
      turns: [firstTurn(sampling)],
      usage: unused,
      groupId: null,
      alternative: null,
      parentId: null,
      origin: null,
      ...NO_TEXT,
      idempotencyKey: null,
      inputDigest: null,
      mostAtOnce: 100,
      forecast: null,
    },
    ...{ owner: null, queue: null, at: new Date('2026-01-01T00:00:00Z') },
    ...changes,
  };
}

/** What a draft's log begins with. */
export const firstEvents = (): LogEvent[] => opening(firstTurn(), '');

/** An event of one token. */
export const oneToken = (text: string, id = 1): LogEvent =>
  logTokens(text, [{ id, text, logprob: -1, alternatives: [] }]);
