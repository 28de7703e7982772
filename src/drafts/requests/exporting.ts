import { selectDraftIdsAfter } from '../../db/analytics/personal-data.ts';
import type { Database } from '../../db/client.ts';
import { selectDrafts } from '../../db/drafts/draft-queries.ts';
import type { DraftLog } from '../log/draft-log.ts';
import { type DraftRecord, draftRecord, isTyped, toDraft } from '../log/stored.ts';

const AT_ONCE = 10;

/** All that a listener's drafts consist of, each as JSON for people, read as it is taken ([EXPORT3]). */
export async function* exportedDrafts(database: Database, log: DraftLog, listenerId: number): AsyncGenerator<object> {
  for (let after: string | null = null; ;) {
    const ids = await selectDraftIdsAfter(database, listenerId, after, AT_ONCE);
    const records = (await selectDrafts(database, ids)).map(draftRecord);
    for (const draft of await log.refresh(records)) yield exported(draft);
    after = ids.at(-1) ?? null;
    if (ids.length < AT_ONCE) return;
  }
}

function exported(record: DraftRecord): object {
  const { id, kind, title, prompt, text, visibility, status, finishReason, modelId, usage, failure } = record;
  const { groupId, alternative, parentId, origin, createdAt, updatedAt } = record;
  const turns = record.turns.map((turn) => {
    if (isTyped(turn)) return { type: 'typed' };
    const { instruction, sampling, verse, format, tune, model } = turn;
    return {
      type: 'model',
      instruction,
      sampling,
      form: verse?.form ?? null,
      format,
      tune: tune && tune.header,
      model,
    };
  });
  return {
    ...{ id, kind, title, prompt, text, passages: toDraft(record).passages, turns },
    ...{ visibility, status, finishReason, failure, model: modelId, usage },
    ...{ group: groupId, alternative, parent: parentId, origin, createdAt, updatedAt },
  };
}
