import { asError } from '../../lib/errors.ts';

/** One line of a report: what was looked at, and how it is. */
export interface Observation {
  check: string;
  /** `note`: works, but may not be what is meant. `wrong`: a server would not start, or would fail at something. */
  status: 'right' | 'note' | 'wrong';
  says: string;
}

export type Check = () => Promise<Observation[]> | Observation[];

export const right = (check: string, says: string): Observation => ({ check, status: 'right', says });
export const note = (check: string, says: string): Observation => ({ check, status: 'note', says });
export const wrong = (check: string, says: string): Observation => ({ check, status: 'wrong', says });

/** A check that fails is a finding: its message says what to do. */
export async function findingsOf(check: string, look: Check): Promise<Observation[]> {
  try {
    return await look();
  } catch (error) {
    return [wrong(check, asError(error).message)];
  }
}

const MARKS = { right: 'ok   ', note: 'note ', wrong: 'WRONG' };

export const lineOf = ({ check, status, says }: Observation): string => `${MARKS[status]} ${check.padEnd(11)} ${says}`;
