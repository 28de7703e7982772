import { expect, it } from 'vitest';
import { DraftLog } from '../../../src/drafts/log/draft-log.ts';
import { PostgresLog } from '../../../src/drafts/log/postgres/postgres-log.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/log.ts';
import { createListeners } from '../../../src/listeners/listeners.ts';
import { addDrafts } from '../../support/drafts/drafts.ts';
import { testDatabase } from '../../support/postgres/database.ts';

const never = new AbortController().signal;
const tokens = (text: string) => ({ type: 'tokens' as const, text, tokens: [] });

it('[LOG7] a step of many drafts is one statement, and a refusal of one draft does not affect the others', async () => {
  const statements: string[] = [];
  const database = await testDatabase({ masterKeys: null, onStatement: (statement) => statements.push(statement) });
  await database.sql`alter table draft_events add constraint no_snow check (text not like '%snow%')`;
  const wakeups = new LocalWakeups();
  const { id } = await createListeners({ database, wakeups, clock: systemClock }).ensure('ann');
  const ids = await addDrafts(database, id, 6);
  const log = new DraftLog({ store: new PostgresLog(database), wakeups, clock: systemClock, log: silentLogger });
  const append = (draftId: string, fence: object, text = 'rain') =>
    log
      .append({ draftId, epoch: 1, sequence: 1, ...fence }, { type: 'progress', events: [tokens(text)] }, never)
      .catch((error: unknown) => error);

  statements.length = 0;
  await Promise.all(ids.map((draftId) => append(draftId, {})));
  expect(statements).toHaveLength(1);

  const [stale, gap, snow, ...good] = ids.map((draftId) => draftId) as [string, string, string, ...string[]];
  const outcomes = await Promise.all([
    append(stale, { epoch: 0, sequence: 2 }),
    append(gap, { sequence: 7 }),
    append(snow, { sequence: 2 }, 'snow'),
    ...good.map((draftId) => append(draftId, { sequence: 2 })),
  ]);
  expect(outcomes.slice(0, 2)).toEqual([null, null]);
  expect(outcomes[2]).toMatchObject({ message: 'the text could not be kept' });
  expect(outcomes.slice(3)).toEqual(good.map((draftId) => ({ draftId, epoch: 1, sequence: 3 })));
  for (const draftId of ids) {
    const length = good.includes(draftId) ? 3 : 2;
    expect((await log.readAll(draftId, 0)).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length }, (_, i) => i + 1),
    );
  }
});
