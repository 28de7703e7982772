import { setTimeout as delay } from 'node:timers/promises';
import { authorizationOf } from '../storm/tokens.ts';
import type { Balancer } from './balancer.ts';
import type { Timeline } from './timeline.ts';

export interface Served {
  requests: number;
  /** That failed although nothing was away. */
  refused: number;
  /** That failed while the database or the logs were away, or nodes were finding out that they are back. */
  failedInOutages: number;
  /** Milliseconds of each that succeeded. */
  latencies: number[];
  /** Keys of the reactions that were acknowledged, and when. */
  acknowledged: { key: string; at: number }[];
}

const QUERIES = [
  'query { recommendations(first: 10) { requestId edges { node { score track { title artist { name } } } } } }',
  'query { tracks(search: "love", first: 5) { edges { node { title } } } }',
  'query { viewer { externalId drafts(first: 3) { edges { node { status } } } } }',
];
const REACT = `mutation ($trackId: ID!, $key: String!) {
  recordFeedback(input: { trackId: $trackId, kind: PLAY, idempotencyKey: $key }) { __typename } }`;

const SETTLING_MS = 3_000;

/** People who ask for lists, search, and react, so often a second, until it is over. */
export async function keepAsking(
  balancer: Balancer,
  timeline: Timeline,
  { perSecond, over }: { perSecond: number; over: AbortSignal },
): Promise<Served> {
  const served: Served = { requests: 0, refused: 0, failedInOutages: 0, latencies: [], acknowledged: [] };
  const people = await Promise.all(Array.from({ length: 8 }, (_, i) => authorizationOf(`listener-${i}`)));
  const trackId = await anyTrack(balancer, people[0] ?? '');
  const asked: Promise<void>[] = [];
  const ask = async (number: number): Promise<void> => {
    const key = number % 4 === 3 ? `operations-${number}` : null;
    const query = key ? REACT : (QUERIES[number % 4] ?? '');
    const body = JSON.stringify({ query, ...(key && { variables: { trackId, key } }) });
    const begun = performance.now();
    served.requests++;
    const problem = await problemOf(balancer.post(body, people[number % people.length] ?? ''));
    const now = performance.now();
    if (problem === null) {
      served.latencies.push(now - begun);
      if (key) served.acknowledged.push({ key, at: now });
    } else if (timeline.during(begun, now, SETTLING_MS)) served.failedInOutages++;
    else {
      served.refused++;
      console.error(`refused: ${problem}`);
    }
  };
  for (let number = 0; !over.aborted; number++) {
    asked.push(ask(number));
    await delay(1_000 / perSecond);
  }
  await Promise.all(asked);
  return served;
}

async function anyTrack(balancer: Balancer, authorization: string): Promise<string> {
  const body = JSON.stringify({ query: '{ tracks(first: 1) { edges { node { id } } } }' });
  const { data } = JSON.parse((await balancer.post(body, authorization)).body) as {
    data: { tracks: { edges: { node: { id: string } }[] } };
  };
  return data.tracks.edges[0]?.node.id ?? '';
}

/** Why the request was not served; null when it was. */
async function problemOf(answering: Promise<{ status: number; body: string }>): Promise<string | null> {
  try {
    const { status, body } = await answering;
    return status === 200 && !body.includes('"errors"') ? null : `${status} ${body.slice(0, 200)}`;
  } catch (error) {
    return String(error);
  }
}
