import type { ServerResponse } from 'node:http';
import { answerJson } from './http/answers.ts';

/** Whether requests can be served at present, and how the parts are that they need. */
export interface Readiness {
  ready: boolean;
  database: 'up' | 'down';
  /** The writer model's status; the server is ready without it. */
  writer: string;
}

/** `/health/live`: the process answers. `/health/ready`: send it requests (200), or not now (503) ([SERVE4]). */
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
