import { setTimeout as delay } from 'node:timers/promises';
import type { DraftEvent } from '../../drafts/drafts.ts';
import { abortable } from '../../lib/async/streams.ts';
import { OverloadedError } from '../../lib/errors.ts';
import type { Context } from '../context.ts';
import { asSent, idOf } from '../global-id.ts';
import { type DraftReport, reportOnDraft } from './reports.ts';

/** Time between two reports on a draft that grows. */
const REST_MS = 2_000;

/**
 * Reports on a draft: now, and while it is written whenever its text has changed, at most one in two seconds. The last
 * one is on the text with which it ended.
 */
export function followReport(sent: string, context: Context): AsyncIterableIterator<DraftReport> {
  const { drafts, viewer } = context;
  const id = idOf('Draft', sent, 'draftId');
  return abortable(undefined, async function* (signal) {
    const news = new News();
    const watched = asSent(sent, () => news.watch(drafts.follow(viewer, id, null, { signal })));
    // What it fails with is thrown below.
    watched.catch(() => undefined);
    let last: string | null = null;
    while (await news.next(watched)) {
      const draft = (await drafts.byIds(viewer, [id])).get(id);
      if (!draft) return;
      if (draft.text !== last) {
        const report = await unlessOverloaded(() => reportOnDraft(draft, context, signal));
        if (report) yield report;
        else news.add();
        last = report ? draft.text : last;
      }
      await delay(REST_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  });
}

/** Reports of others go first; this one is made later. */
async function unlessOverloaded<Result>(make: () => Promise<Result>): Promise<Result | null> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof OverloadedError) return null;
    throw error;
  }
}

/** Whether anything has happened since it was last looked at, however much. */
class News {
  #isNew = false;
  #onNew: () => void = () => undefined;

  add(): void {
    this.#isNew = true;
    this.#onNew();
  }

  async watch(events: AsyncIterable<DraftEvent>): Promise<void> {
    for await (const _ of events) this.add();
  }

  /** Waits for news. @returns false if there is none and nothing more will come */
  async next(ended: Promise<void>): Promise<boolean> {
    if (!this.#isNew) await Promise.race([new Promise<void>((resolve) => (this.#onNew = resolve)), ended]);
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }
}
