import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VisitorTokens } from '../../listeners/listeners.ts';
import type { Mask } from '../live-results.ts';
import type { Rates } from '../rates/rates.ts';
import { answerFailure, answerJson, answerProblem } from './answers.ts';
import { answerOptions } from './headers.ts';

/** The path at which a visitor gets a token. */
export const VISITORS_PATH = '/visitors';

export interface VisitorsOptions {
  /** Null if there are no visitors. */
  tokens: VisitorTokens | null;
  rates: Rates;
  mask: Mask;
}

/** Answers a POST with a new visitor's token. No body is read; new visitors are counted by address ([VISIT2]). */
export async function answerVisitor(
  request: IncomingMessage,
  response: ServerResponse,
  { tokens, rates, mask }: VisitorsOptions,
): Promise<void> {
  if (tokens === null) {
    const message = 'This server has no visitors: CADENZA_VISITOR_SECRET is not set';
    answerProblem(response, { status: 404, code: 'NOT_FOUND', message });
    return;
  }
  if (request.method === 'OPTIONS') {
    answerOptions(request, response);
    return;
  }
  if (request.method !== 'POST') {
    const headers = { allow: 'POST, OPTIONS' };
    answerProblem(response, { status: 405, code: 'METHOD_NOT_ALLOWED', message: 'A visitor is made by POST', headers });
    return;
  }
  try {
    await rates.countVisitor(rates.addressOf(request));
    answerJson(response, 201, await tokens.issue());
  } catch (error) {
    answerFailure(response, mask(error));
  }
}
