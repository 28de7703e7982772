import type { Database } from '../db/client.ts';
import { perOwner } from '../db/queries/per-owner.ts';
import {
  countMarkedTracks,
  type MarkedTrackRow,
  selectMarkedTracks,
  type TrackMark,
} from '../db/recommend/taste-queries.ts';
import { groupBy } from '../lib/collections.ts';
import { checkFirst, decodeCursor, keyPart, pageOf } from '../lib/page.ts';
import type { Listeners } from './contract.ts';

/** Lists of the tracks that a listener likes, saved or hid, as `viewerFeedback` shows them. */
export function markedLists({ sql }: Database): Listeners['markedTracks'] {
  const select = perOwner<Parameters<typeof selectMarkedTracks>[2], MarkedTrackRow[]>(
    async (ids, page) => groupBy(await selectMarkedTracks(sql, ids, page), ({ listenerId }) => listenerId),
    [],
  );
  const count = perOwner((ids, mark: TrackMark) => countMarkedTracks(sql, ids, mark), 0);
  return async (listenerId, { mark, first, after = null }) => {
    const list = `marked:${mark}:${listenerId}`;
    const limit = checkFirst(first) + 1;
    const rows = await select(listenerId, { mark, limit, after: after === null ? null : placeIn(after, list) });
    const keyOf = ({ at, trackId }: MarkedTrackRow) => [at, trackId];
    return pageOf(rows, list, { first, after }, keyOf, () => count(listenerId, mark));
  };
}

function placeIn(after: string, list: string): MarkedTrackRow {
  const [at, trackId] = decodeCursor(after, list, [keyPart.instant, keyPart.id]);
  return { at, trackId };
}
