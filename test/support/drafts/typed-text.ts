import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Draft, Drafts } from '../../../src/drafts/drafts.ts';
import type { LogStore } from '../../../src/drafts/log/log-store.ts';
import { randomStream } from '../../../src/lib/random.ts';
import { scriptedText } from '../models/scripted-engine.ts';
import { type DraftRoom, ended, present, textAfterEvent } from './draft-room.ts';

/** White space at the ends, line ends of three kinds, a byte order mark, composed and decomposed letters, a flag. */
const ODD = '\uFEFF \tfirst\r\nsecond\rthird\n\n“é” “e\u0301” 🇵🇹 雪\u200d \u00a0';

/** What text that people type must do, wherever the logs are ([DRAFT10]–[DRAFT14]). */
export function itAcceptsText(name: string, open: () => Promise<DraftRoom>): void {
  describe(`typed text in ${name}`, () => {
    async function written(maxTokens = 8) {
      const room = await open();
      const ann = await room.viewer('ann', 'LISTENER');
      const { drafts, engine, store } = await room.node();
      const sampling = { maxTokens, seed: 4 };
      const draft = await ended(drafts, ann, await drafts.start(ann, { kind: 'POEM', prompt: 'Snow', sampling }));
      const save = ({ id, sequence }: Draft, text: string, key?: string, by = drafts) =>
        by.update(ann, { draftId: id, text, ifRevision: sequence, ...(key !== undefined && { idempotencyKey: key }) });
      return { room, ann, drafts, engine, store, draft, save };
    }

    const pieces = ({ passages }: Draft) => passages.map(({ text, turn }) => [turn, text]);

    it('[DRAFT10] keeps it exactly, over restarts and when the log is compacted', async () => {
      const { room, ann, draft, save, drafts } = await written();
      const saved = await save(draft, ODD);
      expect(saved).toMatchObject({ text: ODD, status: 'COMPLETED' });
      expect(saved.sequence).toBeGreaterThan(draft.sequence);
      const again = (await room.node()).drafts;
      expect(await present(again, ann, draft)).toEqual(saved);
      expect(await again.compact(new Date(Date.now() + 1_000), 10)).toBe(1);
      expect(await present(drafts, ann, draft)).toMatchObject({ text: ODD, passages: [{ turn: null, text: ODD }] });
      const empty = await save(await present(again, ann, draft), '');
      expect(empty).toMatchObject({ text: '', passages: [] });
    });

    it('[DRAFT11] tells what was typed from what each turn has written', async () => {
      const { ann, draft, save, drafts } = await written();
      const [head, tail] = [draft.text.slice(0, 6), draft.text.slice(6)];
      const first = await save(draft, `${head}🌨 typed ${tail}`);
      const expected = [[1, head], [null, '🌨 typed '], [1, tail]]; // prettier-ignore
      expect(pieces(first)).toEqual(expected);
      const more = await drafts.continue(ann, { draftId: draft.id, sampling: { maxTokens: 3 } });
      const second = await ended(drafts, ann, more);
      expect(pieces(second)).toEqual([...expected, [2, second.text.slice(first.text.length)]]);
      const third = await save(second, second.text.replace(' typed', ''));
      expect(pieces(third).slice(0, 3)).toEqual([[1, head], [null, '🌨 '], [1, tail]]); // prettier-ignore
      expect(await save(third, third.text)).toEqual(third);
    });

    it('[DRAFT12] the model goes on from the text as it is now', async () => {
      const { ann, draft, save, drafts, engine } = await written();
      const changed = await save(draft, 'Mine, not yours ');
      const more = await drafts.continue(ann, { draftId: draft.id, sampling: { maxTokens: 4 } });
      const next = await ended(drafts, ann, more);
      expect(engine.requests[1]).toMatchObject({
        continueLast: true,
        messages: [{}, {}, { role: 'assistant', content: changed.text }],
      });
      expect(next.text.startsWith(changed.text)).toBe(true);
      const told = { draftId: draft.id, instruction: 'Now the moon', sampling: { maxTokens: 4 } };
      const last = await ended(drafts, ann, await drafts.continue(ann, told));
      expect(engine.requests[2]?.messages.slice(2)).toEqual([
        { role: 'assistant', content: next.text },
        { role: 'user', content: 'Now the moon' },
      ]);
      expect(last.text.startsWith(`${next.text}\n\n`)).toBe(true);
    });

    it('[DRAFT13] continues at a position and keeps what follows it', async () => {
      const { ann, draft, save, drafts, engine } = await written();
      const before = await save(draft, '🌨 first line\nlast line\n');
      const start = drafts.cursorOf(before);
      const place = { draftId: draft.id, at: 13, ifRevision: before.sequence };
      const more = await ended(
        drafts,
        ann,
        await drafts.continue(ann, { ...place, sampling: { maxTokens: 5, seed: 2 } }),
      );
      const request = engine.requests[1] ?? { messages: [] };
      expect(request.messages.at(-1)).toEqual({ role: 'assistant', content: '🌨 first line\n' });
      const own = scriptedText({ ...request, sampling: { ...draft.sampling, maxTokens: 5, seed: 2 } });
      expect(more.text).toBe(`🌨 first line\n${own}last line\n`);
      expect(pieces(more)).toEqual([[null, '🌨 first line\n'], [2, own], [null, 'last line\n']]); // prettier-ignore
      let text = before.text;
      for await (const event of drafts.follow(ann, draft.id, start)) text = textAfterEvent(text, event);
      expect(text).toBe(more.text);
      const told = { ...place, at: 0, ifRevision: more.sequence, instruction: 'A title', sampling: { maxTokens: 2 } };
      const titled = await ended(drafts, ann, await drafts.continue(ann, told));
      expect(titled.text.endsWith(more.text)).toBe(true);
      expect(titled.text.startsWith('\n')).toBe(false);
    });

    it.each([
      ['beyond the text', { at: 10_000 }, 'input.at'],
      ['before it', { at: -1 }, 'input.at'],
      ['of an unknown revision', { at: 1, ifRevision: null }, 'input.ifRevision'],
    ])('[ERR2] refuses a position %s', async (_, place, field) => {
      const { ann, draft, drafts, engine } = await written();
      const input = { draftId: draft.id, ifRevision: draft.sequence, ...place };
      await expect(drafts.continue(ann, input)).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
      expect(await present(drafts, ann, draft)).toEqual(draft);
      expect(engine.requests).toHaveLength(1);
    });

    it.each([
      ['half a character', { text: 'a\ud83d' }, 'input.text'],
      ['a NUL', { text: 'a\0' }, 'input.text'],
      ['a long text', { text: '🌨'.repeat(100_001) }, 'input.text'],
      ['no revision', { text: 'a', ifRevision: null }, 'input.ifRevision'],
      ['a title with it', { text: 'a', title: 'A' }, 'input.text'],
      ['a revision without it', { text: null }, 'input.ifRevision'],
      ['an empty key', { text: 'a', idempotencyKey: '' }, 'input.idempotencyKey'],
    ])('[ERR2] refuses %s and changes nothing', async (_, bad, field) => {
      const { ann, draft, drafts } = await written();
      const input = { draftId: draft.id, ifRevision: draft.sequence, ...bad };
      await expect(drafts.update(ann, input)).rejects.toMatchObject({ code: 'INVALID_INPUT', field });
      expect(await present(drafts, ann, draft)).toEqual(draft);
    });

    it('[DRAFT10] of two changes of one revision one is made, and the other is told the present revision', async () => {
      const { room, ann, draft, save, drafts } = await written();
      const other = (await room.node()).drafts;
      for (let at = draft, i = 0; i < 5; i++) {
        const tried = await Promise.allSettled([
          save(at, `one ${i}`),
          save(at, `two ${i}`, undefined, other),
          save(at, `three ${i}`, undefined, other),
        ]);
        const now = await present(drafts, ann, draft);
        const won = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
        expect(won).toEqual([now]);
        const refused = tried.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
        for (const error of refused) expect(error).toMatchObject({ code: 'REVISION_CONFLICT', revision: now.sequence });
        at = now;
      }
    });

    it('[DRAFT10] of a change and a continuation of one revision one is made', async () => {
      const { room, ann, draft, save, drafts, engine } = await written();
      const other = (await room.node()).drafts;
      for (let i = 0; i < 5; i++) {
        const at = await present(drafts, ann, draft);
        const more = { draftId: draft.id, ifRevision: at.sequence, sampling: { maxTokens: 3 } };
        const tried = await Promise.allSettled([drafts.continue(ann, more), save(at, `mine ${i}`, undefined, other)]);
        expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const now = await ended(drafts, ann, draft);
        expect(now.text === `mine ${i}` || now.text.startsWith(at.text)).toBe(true);
      }
      expect(engine.requests.length).toBeGreaterThan(0);
    });

    it('[DRAFT10] a draft that is being written is not changed', async () => {
      const { room, ann, draft } = await written();
      const { drafts, engine } = await room.node({ granted: 2 });
      await drafts.continue(ann, { draftId: draft.id });
      const { id: draftId, sequence: ifRevision } = await present(drafts, ann, draft);
      await expect(drafts.update(ann, { draftId, text: 'x', ifRevision })).rejects.toMatchObject({ code: 'CONFLICT' });
      engine.grant(Infinity);
      expect((await ended(drafts, ann, draft)).text.startsWith(draft.text)).toBe(true);
    });

    it('[DRAFT9] a change whose answer was lost is made once', async () => {
      const { room, ann, draft, drafts } = await written();
      const input = { draftId: draft.id, text: 'typed', ifRevision: draft.sequence, idempotencyKey: 'k' };
      const mute = (store: LogStore): LogStore =>
        new Proxy(store, {
          get: (target, key) => {
            const method = (Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>).bind(target);
            return key === 'append'
              ? (...args: unknown[]) => method(...args).then(() => new Promise(() => undefined))
              : method;
          },
        });
      const dying = await room.node({}, mute);
      void dying.drafts.update(ann, input);
      while ((await present(drafts, ann, draft)).text !== 'typed') await new Promise(setImmediate);
      const saved = await drafts.update(ann, input);
      expect(saved).toEqual(await present(drafts, ann, draft));
      const later = await drafts.update(ann, {
        ...input,
        ifRevision: saved.sequence,
        text: 'later',
        idempotencyKey: 'l',
      });
      expect(await drafts.update(ann, input)).toEqual(later);
      await expect(drafts.update(ann, { ...input, text: 'other' })).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      });
      expect(await present(drafts, ann, draft)).toEqual(later);
    });

    it('[DRAFT14] readers who stay see changes and continuations live; one who returns gets what it missed', async () => {
      const { ann, draft, save, drafts } = await written();
      const stays = drafts.follow(ann, draft.id, null, { keepOpen: true });
      let [text, cursor] = ['', ''];
      const until = async (wanted: string): Promise<void> => {
        while (text !== wanted) {
          const next = await stays.next();
          if (next.done === true) throw new Error('the stream has ended');
          [text, cursor] = [textAfterEvent(text, next.value), next.value.cursor];
        }
      };
      await until(draft.text);
      const changed = await save(draft, `${draft.text} and 🌨`);
      await until(changed.text);
      const left = { cursor, text };
      await stays.return?.();
      const more = await ended(
        drafts,
        ann,
        await drafts.continue(ann, { draftId: draft.id, sampling: { maxTokens: 4 } }),
      );
      const last = await save(more, more.text.replace('and', 'or'));
      let back = left.text;
      const revisions: number[] = [];
      for await (const event of drafts.follow(ann, draft.id, left.cursor)) {
        back = textAfterEvent(back, event);
        if (event.type !== 'snapshot') revisions.push(event.revision);
      }
      expect(back).toBe(last.text);
      expect(revisions.at(-1)).toBe(last.sequence);
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    });

    it('[DRAFT3] only its owner changes a shared draft', async () => {
      const { room, ann, draft, drafts } = await written();
      await drafts.update(ann, { draftId: draft.id, visibility: 'SHARED' });
      const bob = await room.viewer('bob', 'LISTENER');
      const input = { draftId: draft.id, text: 'mine', ifRevision: draft.sequence };
      await expect(drafts.update(bob, input)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    });

    it('[LOG5] a turn in the middle of a typed text is taken up wherever it was cut', async () => {
      for (let granted = 0; granted <= 6; granted++) {
        const { room, ann, draft, save } = await written();
        const before = await save(draft, '🌨 begin | end');
        const dying = await room.node({ granted });
        const place = { draftId: draft.id, at: 8, ifRevision: before.sequence, instruction: 'more' };
        await dying.drafts.continue(ann, { ...place, sampling: { maxTokens: 6, seed: 9 } });
        const next = await room.node();
        next.drafts.recover();
        const end = await ended(next.drafts, ann, draft);
        const request = next.engine.requests[0] ?? dying.engine.requests[0] ?? { messages: [] };
        const own = scriptedText({ ...request, sampling: { ...draft.sampling, maxTokens: 6, seed: 9 } });
        expect(end.text).toBe(`🌨 begin \n\n${own}| end`);
        let text = before.text;
        for await (const event of next.drafts.follow(ann, draft.id, next.drafts.cursorOf(before)))
          text = textAfterEvent(text, event);
        expect(text).toBe(end.text);
        dying.engine.grant(Infinity);
      }
    });

    it('[DRAFT11] [LOG2] whatever is typed, written, cut and compacted, text, ranges and readers agree', async () => {
      const random = randomStream(7);
      const room = await open();
      const ann = await room.viewer('ann', 'LISTENER');
      let drafts: Drafts = (await room.node()).drafts;
      const below = (n: number): number => Math.floor(random() * n);
      const sampling = () => ({ maxTokens: 1 + below(6), seed: below(100) });
      const started = await drafts.start(ann, { kind: 'POEM', prompt: 'Snow', sampling: sampling() });
      let draft = await ended(drafts, ann, started);
      /** Each character and the turn that wrote it. */
      let model = Array.from(draft.text, (character) => [character, 1] as [string, number | null]);
      let reader = { text: draft.text, cursor: drafts.cursorOf(draft) };
      for (let step = 0, turn = 1; step < 40; step++) {
        const at = below(model.length + 1);
        if (random() < 0.6) {
          const typed = Array.from(
            ['🌨', 'é', 'ab', '', '\r\n'][below(5)] ?? '',
            (one) => [one, null] as [string, null],
          );
          const changed = model.toSpliced(at, below(4), ...typed);
          draft = await drafts.update(ann, {
            ...{ draftId: draft.id, ifRevision: draft.sequence, text: changed.map(([one]) => one).join('') },
            ...(random() < 0.5 && { idempotencyKey: randomUUID() }),
          });
          // Which of equal neighbours was replaced is not to be told: ranges are compared only as a whole below.
          model = marked(draft);
        } else {
          const place = { draftId: draft.id, at, ifRevision: draft.sequence, sampling: sampling() };
          draft = await ended(drafts, ann, await drafts.continue(ann, place));
          const own = Array.from(draft.text).slice(at, at + Array.from(draft.text).length - model.length);
          turn++;
          model.splice(at, 0, ...own.map((one) => [one, turn] as [string, number]));
        }
        expect(marked(draft)).toEqual(model);
        if (random() < 0.2) drafts = (await room.node()).drafts;
        if (random() < 0.1) await drafts.compact(new Date(Date.now() + 60_000), 10);
        if (random() < 0.5) continue;
        for await (const event of drafts.follow(ann, draft.id, reader.cursor))
          reader = { text: textAfterEvent(reader.text, event), cursor: event.cursor };
        expect(reader.text).toBe(draft.text);
      }
    });
  });
}

const marked = ({ passages }: Draft): [string, number | null][] =>
  passages.flatMap(({ text, turn }) => Array.from(text, (character): [string, number | null] => [character, turn]));
