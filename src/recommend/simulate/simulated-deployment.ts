import { Counter } from '../../lib/collections.ts';
import { randomStream } from '../../lib/random.ts';
import { f64 } from '../../lib/typed-arrays.ts';
import { shapeOf } from '../lists/list-pages.ts';
import type { ServedList } from '../lists/stored-lists.ts';
import { mean } from '../math/statistics.ts';
import { Neighbours } from '../model/neighbours.ts';
import type { Serving } from '../model/serving.ts';
import { type ItemWeights, noWeights } from '../model/weights.ts';
import { Ranking } from '../ranking/ranking.ts';
import { Workspace } from '../ranking/workspace.ts';
import type { History } from '../train/interactions.ts';
import { defaultSettings } from '../train/settings-search.ts';
import { trainWith } from '../train/train-weights.ts';
import type { Trainer } from '../train/trainer-thread.ts';
import { simulatedSnapshot, trackIdAt, TRACKS } from './simulated-catalogue.ts';
import { drawListener, normal, playOf, type SimulatedListener } from './simulated-listener.ts';

const LISTENERS = 150;
const LENGTH = 10;
/** Lists that are drawn from a version in each context to know its true click-through rate. */
const DRAWS = 6;

/** A served list with the ids of the tracks that were clicked. */
export interface ClickedList {
  list: ServedList;
  clicked: ReadonlySet<number>;
}

/**
 * A catalogue and listeners whose chances of a click are known. They depend on the track, on how far down the list it
 * is, and on nothing else; how attention falls along the list, how much is explored and how diverse lists are differ
 * between deployments.
 */
export class SimulatedDeployment {
  readonly #trainer: Trainer;
  readonly #random: () => number;
  readonly #listeners: SimulatedListener[];
  readonly #serving: Omit<Serving, 'neighbours'>;
  /** The chance that a position is looked at. */
  readonly #attention: Float64Array;
  readonly #exploration: number;
  readonly #diversity: number;

  constructor(seed: number, trainer: Trainer) {
    const random = (this.#random = randomStream(seed));
    this.#trainer = trainer;
    this.#exploration = 0.1 + 0.2 * random();
    this.#diversity = random() < 0.5 ? 0 : 0.2;
    const [fall, form] = [random(), random()];
    this.#attention = Float64Array.from({ length: LENGTH }, (_, k) =>
      form < 0.5 ? (k + 1) ** -fall : 1 - fall + fall / Math.log2(k + 2),
    );
    const appeal = Array.from({ length: TRACKS }, () => normal(random));
    this.#listeners = Array.from({ length: LISTENERS }, () => drawListener(appeal, random));
    const heard = new Counter<number>();
    for (const { history } of this.#listeners) for (const { trackId } of history) heard.add(trackId);
    const counts = appeal.map((_, index) => heard.of(trackIdAt(index)));
    this.#serving = { snapshot: simulatedSnapshot(counts), workspace: new Workspace() };
  }

  /** The histories of the listeners as they are now, clicks included. */
  histories(): History[] {
    return this.#listeners.map(({ history }) => history.toReversed());
  }

  async train(version: string, histories: readonly History[], ridge: number): Promise<Serving> {
    return this.#with(version, await trainWith(this.#trainer, histories, { ...defaultSettings, ridge }));
  }

  untrained(): Serving {
    return this.#with('untrained', noWeights);
  }

  #with(version: string, weights: ItemWeights): Serving {
    return { ...this.#serving, neighbours: new Neighbours(version, this.#serving.snapshot, weights) };
  }

  /** Serves lists of this version to everybody. Listeners then know what they clicked. */
  serve(serving: Serving, rounds: number): ClickedList[] {
    const lists: ClickedList[] = [];
    for (let round = 0; round < rounds; round++) {
      this.#listeners.forEach((listener, listenerId) => {
        const begun = this.#begin(serving, listenerId);
        const list = { ...begun, positions: served(serving, begun) };
        const clicked = new Set(
          list.positions.flatMap(({ trackId }, k) =>
            this.#random() < this.#chance(listener, trackId, k) ? [trackId] : [],
          ),
        );
        lists.push({ list, clicked });
        for (const trackId of clicked) listener.history.unshift(...playOf(trackId, 1_000 + round));
      });
    }
    return lists;
  }

  /** The clicks per impression of a version, had it made lists of the same length in the same places. */
  truth(serving: Serving, lists: readonly ClickedList[]): number {
    return mean(
      lists.flatMap(({ list }) =>
        Array.from({ length: DRAWS }, () => {
          const positions = served(serving, { ...list, id: this.#newId() });
          const listener = this.#listeners[list.listenerId];
          return mean(positions.map(({ trackId }, k) => (listener ? this.#chance(listener, trackId, k) : 0)));
        }),
      ),
    );
  }

  #chance({ likes }: SimulatedListener, trackId: number, position: number): number {
    return f64(likes, trackId - 1) * f64(this.#attention, position);
  }

  #begin(serving: Serving, listenerId: number): Omit<ServedList, 'positions'> {
    const history = [...(this.#listeners[listenerId]?.history ?? [])];
    const taste = { history, genres: [], artistIds: [], tags: [], text: null, allowExplicit: true };
    return {
      ...{ id: this.#newId(), listenerId, modelVersion: serving.neighbours.version, isPreview: false },
      taste: { ...taste, seedTrackIds: [], contextText: null },
      ...{ filter: null, includeHeard: false, diversity: this.#diversity, calibration: 0, maxPerArtist: null },
      ...{ notServedForHours: 0, servedBefore: [], exploration: this.#exploration },
    };
  }

  #newId(): string {
    const hex = () =>
      Math.floor(this.#random() * 2 ** 24)
        .toString(16)
        .padStart(6, '0');
    return `${hex()}${hex().slice(0, 2)}-${hex().slice(0, 4)}-4000-8000-000000000000`;
  }
}

function served(serving: Serving, list: Omit<ServedList, 'positions'>) {
  const ranked = new Ranking(serving, list).withScores((scores) => scores.next([], LENGTH, shapeOf(list)));
  return ranked.map(({ index, propensity }) => ({
    trackId: trackIdAt(index),
    propensity,
    reason: { kind: 'NONE' as const, of: null },
  }));
}
