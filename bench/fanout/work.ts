/** What every side of the fan-out bench is given to do. */
export interface Work {
  name: string;
  drafts: number;
  readersEach: number;
  /** Steps of one round: in each, every draft grows by one event. */
  steps: number;
}

export const WORKS: readonly Work[] = [
  { name: '1 draft × 1,000 readers', drafts: 1, readersEach: 1_000, steps: 200 },
  { name: '200 drafts × 5 readers', drafts: 200, readersEach: 5, steps: 200 },
];

/** What a reader asks for: a frontend's selection, the example client's without the snapshot's fields. */
export const QUERY = /* GraphQL */ `
  subscription FollowDraft($draftId: ID!, $after: DraftCursor) {
    draftEvents(draftId: $draftId, after: $after) {
      __typename
      ... on DraftSnapshot {
        cursor
      }
      ... on TokensAppended {
        cursor
        text
      }
      ... on DraftStatusChanged {
        cursor
        status
      }
    }
  }
`;

/** 120 bytes of text; no two in a row are the same. */
export function textOf(step: number): string {
  return `${step} `.padEnd(120, 'the snow falls slowly on the harbour and ');
}

/** What the peers are told: a step of these drafts. Sent by IPC, as cheap a way in as there is. */
export interface Publish {
  drafts: readonly string[];
  step: number;
}

export const isPublish = (message: unknown): message is Publish =>
  typeof message === 'object' && message !== null && 'step' in message;
