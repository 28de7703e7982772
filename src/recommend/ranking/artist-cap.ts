import { f64 } from '../../lib/typed-arrays.ts';
import type { Snapshot } from '../model/snapshot.ts';

/**
 * The mask, with the tracks added that are beyond an artist's best `cap`. They depend on scores alone, so that all
 * pages of a list agree.
 */
export function beyondArtistCap({ tracks }: Snapshot, scores: Float64Array, mask: Uint8Array, cap: number): Uint8Array {
  const byArtist = new Map<number, number[]>();
  tracks.forEach(({ artistIds }, index) => {
    if (mask[index] !== 0) return;
    for (const artistId of artistIds) {
      const own = byArtist.get(artistId);
      if (own) own.push(index);
      else byArtist.set(artistId, [index]);
    }
  });
  const capped = mask.slice();
  for (const own of byArtist.values()) {
    if (own.length <= cap) continue;
    own.sort((a, b) => f64(scores, b) - f64(scores, a) || a - b);
    for (const index of own.slice(cap)) capped[index] = 1;
  }
  return capped;
}
