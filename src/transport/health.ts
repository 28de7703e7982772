import type { ServerResponse } from 'node:http';
import { answerJson } from './http/answers.ts';

/** Whether requests can be served now, and the state of the parts that they need. */
export interface Readiness {
  ready: boolean;
  database: 'up' | 'down';
  /** Where it keeps the drafts' logs. The server is ready without it, because everything but drafts works. */
  nats?: 'up' | 'down';
  /** The writer model's status. The server is ready without it. */
  writer: string;
}

/** `/health/live`: the process responds. `/health/ready`: send requests (200) or do not (503) ([SERVE4]). */
export async function answerHealth(
  path: string,
  response: ServerResponse,
  readiness: () => Promise<Readiness>,
): Promise<void> {
  if (path === '/health/live') {
    answerJson(response, 200, { status: 'live' });
    return;
  }
  const { ready, ...parts } = await readiness();
  answerJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...parts });
}
