import { InvalidInputError } from '../../../lib/errors.ts';
import { readObjects } from '../../reading/objects.ts';
import { pastInstant } from '../rows.ts';
import type { PlayFormat } from './plays.ts';
import { scrobbleMoment, timeless } from './scrobbles.ts';
import { listenDetails } from './song-details.ts';

const LISTENS = /(^|\/)listens\/.*\.jsonl?$|(^|\/)[^/]*listen[^/]*\.jsonl?$/i;

/** ListenBrainz exports: a file of listens, or the archive with `listens/YEAR/MONTH.jsonl`. Rules: docs/import.md. */
export const listenbrainz: PlayFormat = {
  named: 'a ListenBrainz export',
  holds: (path) => LISTENS.test(path),
  read: (chunks, file) =>
    readObjects(chunks, file, { named: 'a ListenBrainz export', marks: ['listened_at', 'track_metadata'] }),
  playOf: (row, _, { clock }) => {
    const heardAt = row.instant('listened_at');
    const metadata = row.object('track_metadata');
    if (!metadata) throw new InvalidInputError('track_metadata is missing', 'track_metadata');
    if (heardAt === null || heardAt.getTime() === 0) return timeless;
    const at = pastInstant(heardAt, clock, 'listened_at');
    return {
      title: metadata.name('track_name'),
      artist: metadata.name('artist_name'),
      album: metadata.optionalName('release_name'),
      about: listenDetails(row.plainObject('track_metadata') ?? {}),
      ...{ kind: 'PLAY', listenedMs: null, at, coarse: false, moment: scrobbleMoment(at) },
    };
  },
};
