import type { Database } from '../../db/client.ts';
import { updateDraftRow } from '../../db/drafts/draft-queries.ts';
import type { KeyedQueue } from '../../lib/async/keyed-queue.ts';
import type { Wakeups } from '../../lib/async/wakeups.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { Draft, UpdateDraftInput } from '../contract.ts';
import { checkUpdate, type DraftDescription, type TextInput } from '../draft-input.ts';
import type { DraftLog } from '../log/draft-log.ts';
import type { Repetition } from '../log/log-events.ts';
import type { DraftRecord } from '../log/stored.ts';
import type { Replacement } from '../text/passages.ts';
import { replacementBetween } from '../text/replacement.ts';
import type { DraftTurns } from '../turns/draft-turns.ts';
import { wakeRights } from '../wakeup-keys.ts';
import type { DraftAccess } from './access.ts';
import { askedOf, checkUnchanged, isRepeated } from './repetitions.ts';

interface ChangingOptions {
  database: Database;
  access: DraftAccess;
  log: DraftLog;
  turns: DraftTurns;
  wakeups: Wakeups;
  clock: Clock;
  /** One change or continuation at a time for each draft. */
  changing: KeyedQueue<string>;
}

/** What a person changes: a draft's title and visibility, or the text of one that has ended. */
export class Changing {
  readonly #options: ChangingOptions;

  constructor(options: ChangingOptions) {
    this.#options = options;
  }

  async update(viewer: Viewer, input: UpdateDraftInput): Promise<Draft> {
    const change = checkUpdate(input);
    if (change.type === 'description') return this.#describe(viewer, input.draftId, change.set);
    return this.#options.changing.run(input.draftId, () => this.#replaceText(viewer, change.input));
  }

  async #describe(viewer: Viewer, draftId: string, set: DraftDescription): Promise<Draft> {
    const { database, access, wakeups, clock } = this.#options;
    const row = await access.own(viewer, draftId);
    await updateDraftRow(database, row.id, set, new Date(clock.now()));
    if (set.visibility && set.visibility !== row.visibility) wakeRights(wakeups, row.id);
    return access.load(viewer, row.id);
  }

  async #replaceText(viewer: Viewer, input: TextInput): Promise<Draft> {
    const { access } = this.#options;
    const asked = askedOf(input);
    for (;;) {
      const row = await access.own(viewer, input.draftId);
      if (isRepeated(row, asked)) break;
      checkUnchanged(row, input.ifRevision);
      if (await this.edit(row, replacementBetween(row.text, input.text), asked)) break;
    }
    return access.load(viewer, input.draftId);
  }

  /** @returns false if somebody else claimed the draft meanwhile */
  async edit(row: DraftRecord, replacement: Replacement | null, asked: Repetition | null): Promise<boolean> {
    const { log, turns } = this.#options;
    if (!replacement) return true;
    const fence = await turns.claimEnded(row);
    if (!fence) return false;
    const before = { ...row, ...(await log.textBeforeTurn(row)) };
    const event = { type: 'edit', ...replacement, asked } as const;
    const made = await log.append(fence, { type: 'edit', events: [event], before }, turns.shutdown);
    log.forget(row.id);
    return made !== null;
  }
}
