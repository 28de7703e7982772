import { randomStream } from '../../src/lib/random.ts';
import type { History } from '../../src/recommend/train/interactions.ts';

export interface SimulationShape {
  listeners: number;
  tracks: number;
  /** Tracks of all listeners together. */
  events: number;
}

/** Tracks of one taste lie side by side. */
const TASTE = 100;

/**
 * Listeners of a few tastes each, some with ten times the tracks of others; of a taste the first tracks are heard most, and
 * a track in five is anybody's. The same each time.
 */
export function simulateListening({ listeners, tracks, events }: SimulationShape): History[] {
  const random = randomStream(1);
  const known = Array.from({ length: tracks }, (_, i) => ({ trackId: i + 1, strength: 0.4 + 0.6 * random() }));
  const skewed = (count: number, power: number) => Math.floor(count * random() ** power);
  const tastes = Math.ceil(tracks / TASTE);
  return Array.from({ length: listeners }, () => {
    // Between a tenth and nearly three times the mean, which is the mean of this.
    const length = Math.max(2, Math.round((events / listeners) * (0.1 + 2.7 * random() ** 2)));
    const own = Array.from({ length: 1 + Math.ceil(length / 40) }, () => skewed(tastes, 1.5));
    const heard = new Set<number>();
    for (let tries = 0; heard.size < length && tries < 4 * length; tries++) {
      const taste = random() < 0.2 ? skewed(tastes, 1.5) : (own[skewed(own.length, 1.5)] ?? 0);
      heard.add(Math.min(tracks - 1, taste * TASTE + skewed(TASTE, 2)));
    }
    return Array.from(heard, (track) => known[track] ?? { trackId: 1, strength: 1 });
  });
}
