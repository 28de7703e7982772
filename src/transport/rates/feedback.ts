import type { Listeners } from '../../listeners/listeners.ts';
import type { Rates } from './rates.ts';

/**
 * Wraps the listeners' domain: feedback is counted, each item of a batch by itself, before any is recorded ([RATE2]).
 */
export function limitFeedback(listeners: Listeners, rates: Rates): Listeners {
  return {
    ...listeners,
    record: async (viewer, input) => {
      await rates.count('feedback', viewer);
      return listeners.record(viewer, input);
    },
    recordBatch: async (viewer, input) => {
      await rates.count('feedback', viewer, input.length);
      return listeners.recordBatch(viewer, input);
    },
    setVerdict: async (viewer, input) => {
      await rates.count('feedback', viewer);
      return listeners.setVerdict(viewer, input);
    },
  };
}
