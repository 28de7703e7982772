import { parentPort } from 'node:worker_threads';
import { answerJob } from '../../lib/threads/job-worker.ts';
import { type AnchoredRange, anchoredRange, BadRangeError, type DeltaPiece, type EncodedRange } from './anchors.ts';
import { differenceFrom, newState, openState, restoringUpdate, type StoredState, textOf } from './document-state.ts';
import { type DocumentFormat, exportText } from './export-text.ts';
import { BadUpdateError, type Inspected, inspectUpdate } from './inspect-update.ts';
import { undoPeer } from './peer-changes.ts';
import { type ReplicaJob, type ReplicaResult, workOnReplica } from './replicas.ts';
import {
  addModelSuggestion,
  addSuggestion,
  decide,
  type ModelSuggestion,
  type NewSuggestion,
  type NotAdded,
  type PendingSuggestion,
  type SuggestionChange,
  suggestionsOf,
} from './suggestions.ts';

/** What the thread can do. Every array of bytes has a buffer of its own. */
export type YjsJob =
  | { type: 'inspect'; updates: readonly Uint8Array[] }
  | { type: 'create'; text: string }
  | { type: 'state'; stored: StoredState; stateVector: Uint8Array | null }
  | { type: 'text'; stored: StoredState; format: DocumentFormat }
  | { type: 'restore'; stored: StoredState; version: Uint8Array }
  | { type: 'anchor'; stored: StoredState; range: EncodedRange | null }
  | { type: 'undo'; stored: StoredState; client: number; restore: readonly DeltaPiece[] }
  | { type: 'suggestions'; stored: StoredState }
  | { type: 'suggest'; stored: StoredState; suggestion: NewSuggestion | ModelSuggestion }
  | { type: 'decide'; stored: StoredState; id: string; choice: number | null }
  | ({ type: 'replica' } & ReplicaJob);

export type YjsResult =
  | { type: 'inspect'; inspected: Inspected[] }
  | { type: 'refused'; index: number; reason: string }
  | { type: 'state'; update: Uint8Array; stateVector: Uint8Array }
  | { type: 'text'; text: string }
  | { type: 'anchor'; anchored: AnchoredRange }
  | { type: 'badRange'; end: 'start' | 'end'; reason: string }
  | { type: 'undo'; update: Uint8Array | null }
  | { type: 'suggestions'; suggestions: PendingSuggestion[] }
  | { type: 'suggest'; change: SuggestionChange | NotAdded }
  | { type: 'decide'; change: SuggestionChange | 'choice' | null }
  | { type: 'replica'; result: ReplicaResult };

function resultOf(job: YjsJob): YjsResult {
  switch (job.type) {
    case 'inspect':
      return inspectAll(job.updates);
    case 'create':
      return { type: 'state', ...differenceFrom(openState([newState(job.text)]), null) };
    case 'state':
      return { type: 'state', ...differenceFrom(openState(job.stored), job.stateVector) };
    case 'text':
      return { type: 'text', text: exportText(textOf(openState(job.stored)), job.format) };
    case 'restore': {
      const doc = openState(job.stored);
      return { ...differenceFrom(doc, null), type: 'state', update: restoringUpdate(doc, job.version) };
    }
    case 'anchor':
      return unlessBadRange(() => ({ type: 'anchor', anchored: anchoredRange(job.stored, job.range) }));
    case 'undo':
      return { type: 'undo', update: undoPeer(openState(job.stored), job.client, job.restore) };
    case 'suggestions':
      return { type: 'suggestions', suggestions: suggestionsOf(job.stored) };
    case 'suggest':
      return unlessBadRange(() => ({ type: 'suggest', change: suggest(job.stored, job.suggestion) }));
    case 'decide':
      return { type: 'decide', change: decide(job.stored, job.id, job.choice) };
    case 'replica':
      return { type: 'replica', result: workOnReplica(job) };
  }
}

function suggest(stored: StoredState, suggestion: NewSuggestion | ModelSuggestion): SuggestionChange | NotAdded {
  return 'kept' in suggestion ? addModelSuggestion(stored, suggestion) : addSuggestion(stored, suggestion);
}

function inspectAll(updates: readonly Uint8Array[]): YjsResult {
  const inspected: Inspected[] = [];
  for (const [index, update] of updates.entries()) {
    try {
      inspected.push(inspectUpdate(update));
    } catch (error) {
      if (error instanceof BadUpdateError) return { type: 'refused', index, reason: error.message };
      throw error;
    }
  }
  return { type: 'inspect', inspected };
}

function unlessBadRange(make: () => YjsResult): YjsResult {
  try {
    return make();
  } catch (error) {
    if (error instanceof BadRangeError) return { type: 'badRange', end: error.end, reason: error.message };
    throw error;
  }
}

parentPort?.on('message', (job: YjsJob) => void answerJob(parentPort, () => resultOf(job)));
