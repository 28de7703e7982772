import { setTimeout as delay } from 'node:timers/promises';
import { authorizationOf } from '../storm/tokens.ts';
import type { Balancer } from './balancer.ts';
import { Reader } from './readers.ts';

const READERS_OF_A_DRAFT = 7;

/** One draft after another with its readers, until it is over. @returns all readers */
export async function keepWriting(
  balancer: Balancer,
  { lane, over, ended }: { lane: number; over: AbortSignal; ended: AbortSignal },
): Promise<Reader[]> {
  const readers: Reader[] = [];
  const authorization = await authorizationOf(`writer-${lane}`);
  // A start that was not answered is repeated with its key: it may have been made.
  for (let number = 0; !over.aborted;) {
    const id = await startDraft(balancer, { key: `${lane}-${number}`, seed: lane * 1_000 + number, authorization });
    if (id === null) {
      await delay(500);
      continue;
    }
    number++;
    const abandoned = new AbortController();
    const group = Array.from({ length: READERS_OF_A_DRAFT }, () => new Reader(id, authorization));
    const reading = Promise.all(group.map((one) => one.read(balancer, AbortSignal.any([abandoned.signal, ended]))));
    // A draft that a restore has undone ends for nobody: its readers are told, and leave.
    const left = leaveWhenGone(balancer, { id, authorization }, abandoned);
    await reading;
    abandoned.abort();
    await left;
    readers.push(...group);
  }
  return readers;
}

const START = `mutation ($input: StartDraftInput!) { startDraft(input: $input) {
  ... on StartDraftSuccess { draft { id } } ... on Error { message } } }`;

interface Writing {
  key: string;
  seed: number;
  authorization: string;
}

async function startDraft(balancer: Balancer, { key, seed, authorization }: Writing): Promise<string | null> {
  const sampling = { seed, maxTokens: 400 };
  const input = { kind: 'STORY', prompt: `The lighthouse, part ${seed}`, sampling, idempotencyKey: key };
  const answer = await balancer
    .post(JSON.stringify({ query: START, variables: { input } }), authorization)
    .catch(() => null);
  if (answer?.status !== 200) return null;
  const { data } = JSON.parse(answer.body) as { data?: { startDraft: { draft?: { id: string } } } | null };
  return data?.startDraft.draft?.id ?? null;
}

interface Look {
  id: string;
  authorization: string;
}

/** The draft as it is; null when it is not there, undefined while nobody answers. */
async function lookAt(balancer: Balancer, { id, authorization }: Look) {
  const query = 'query ($id: ID!) { draft(id: $id) { text status } }';
  const answer = await balancer.post(JSON.stringify({ query, variables: { id } }), authorization).catch(() => null);
  if (answer?.status !== 200) return undefined;
  const { data, errors } = JSON.parse(answer.body) as {
    data?: { draft: { text: string; status: string } | null } | null;
    errors?: unknown;
  };
  return errors ? undefined : data?.draft;
}

async function leaveWhenGone(balancer: Balancer, draft: Look, leaving: AbortController): Promise<void> {
  while (!leaving.signal.aborted) {
    if ((await lookAt(balancer, draft)) === null) leaving.abort();
    await delay(2_000, undefined, { signal: leaving.signal }).catch(() => undefined);
  }
}

/** What readers have shown, held against the drafts as they are. */
export async function compare(readers: readonly Reader[], balancer: Balancer) {
  const counts = { different: 0, undone: 0 };
  const drafts = new Map<string, Reader[]>();
  for (const reader of readers) drafts.set(reader.draftId, [...(drafts.get(reader.draftId) ?? []), reader]);
  for (const [id, group] of drafts) {
    const draft = await lookAt(balancer, { id, authorization: group[0]?.authorization ?? '' });
    if (!draft) {
      counts.undone++;
      continue;
    }
    const different = group.filter(({ text }) => text !== draft.text);
    counts.different += different.length;
    for (const reader of different) console.error(`draft ${id}: ${differenceOf(reader, draft)}`);
  }
  return counts;
}

function differenceOf({ text, snapshots }: Reader, draft: { text: string; status: string }): string {
  let at = 0;
  while (at < text.length && text[at] === draft.text[at]) at++;
  const lengths = `${text.length} of ${draft.text.length} characters, ${draft.status}`;
  const here = `${JSON.stringify(text.slice(at, at + 30))} for ${JSON.stringify(draft.text.slice(at, at + 30))}`;
  return `a reader shows ${lengths}, ${snapshots} snapshots, at ${at} ${here}`;
}
