import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { catalogueWakeup } from '../../../src/catalogue/catalogue.ts';
import { LocalWakeups } from '../../../src/lib/async/wakeups.ts';
import { importWakeup, listenerKey } from '../../../src/listeners/listeners.ts';
import type { LoadedTaste } from '../../../src/recommend/taste/load-taste.ts';
import { TasteCache } from '../../../src/recommend/taste/taste-cache.ts';

const loaded: LoadedTaste = {
  taste: { history: [], genres: [], artistIds: [], tags: [], text: null, allowExplicit: true },
  reactions: [],
  mark: { count: 0, checksum: 0, lastId: 0, revisions: 0 },
  isThere: true,
};

it('[REC6] a taste is read again when its listener changes, and after an import, but not for the catalogue', async () => {
  const wakeups = new LocalWakeups();
  const loads: (LoadedTaste | null)[] = [];
  const tastes = new TasteCache(wakeups, (_, known) => {
    loads.push(known);
    return Promise.resolve(loaded);
  });
  onTestFinished(() => tastes[Symbol.asyncDispose]());
  const getAfter = async (key: string): Promise<void> => {
    wakeups.wake(key);
    await turn();
    await tastes.get(1);
  };
  await tastes.get(1);
  await getAfter(catalogueWakeup);
  await getAfter(listenerKey(2));
  expect(loads).toEqual([null]);
  await getAfter(listenerKey(1));
  expect(loads).toEqual([null, loaded]);
  // An import may have changed what was read long ago.
  await getAfter(importWakeup);
  expect(loads).toEqual([null, loaded, null]);
});
