import { InvalidInputError } from '../lib/errors.ts';
import { checkExactText } from '../lib/text/check-text.ts';
import { MOST_CHARACTERS, type TextReport } from './contract.ts';
import { ReportThread } from './report-thread.ts';

export type * from './contract.ts';

/** Reports about texts. */
export interface Reports extends AsyncDisposable {
  /**
   * @param field what the caller calls the text
   * @throws InvalidInputError; OverloadedError if too many texts wait; the signal's reason
   */
  of(text: string, field: string, signal?: AbortSignal): Promise<TextReport>;
}

export function createReports(): Reports {
  const thread = new ReportThread();
  return {
    of: async (text, field, signal) => {
      if (text.length > 2 * MOST_CHARACTERS) throw tooLong(field);
      return thread.analyse(checkExactText(text, field, { min: 0, max: MOST_CHARACTERS }), signal);
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

const tooLong = (field: string): InvalidInputError =>
  new InvalidInputError(`${field} may have at most ${MOST_CHARACTERS} characters`, field);
