import DataLoader from 'dataloader';
import type { Artist, Catalogue, Genre, Tag, Track } from '../catalogue/catalogue.ts';
import type { Draft, Drafts } from '../drafts/drafts.ts';
import type { Feedback, FeedbackKind, Listener, Listeners, Preferences, Viewer } from '../listeners/listeners.ts';

/**
 * Batches what the fields of one operation ask for into one call. What is known already is answered without a promise: a
 * list of twenty tracks has hundreds of fields, and each promise costs more than the field.
 */
class Loader<Value> {
  readonly #batch: (ids: readonly number[]) => Promise<ReadonlyMap<number, Value>>;
  readonly #known = new Map<number, Value | undefined>();
  readonly #loader: DataLoader<number, Value | undefined>;

  constructor(batch: (ids: readonly number[]) => Promise<ReadonlyMap<number, Value>>) {
    this.#batch = batch;
    this.#loader = new DataLoader((ids) => this.#load(ids), { cache: false });
  }

  get(id: number): Value | undefined | Promise<Value | undefined> {
    return this.#known.has(id) ? this.#known.get(id) : this.#loader.load(id);
  }

  /** Loads these at once, so that the fields that need them find them known. */
  async prefetch(ids: readonly number[]): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#known.has(id));
    if (missing.length > 0) await this.#load(missing);
  }

  async #load(ids: readonly number[]): Promise<(Value | undefined)[]> {
    const found = await this.#batch([...new Set(ids)]);
    for (const id of ids) this.#known.set(id, found.get(id));
    return ids.map((id) => found.get(id));
  }
}

export interface Loaders {
  tracks: Loader<Track>;
  artists: Loader<Artist>;
  genresOfTracks: Loader<readonly Genre[]>;
  genresOfArtists: Loader<readonly Genre[]>;
  tagsOfTracks: Loader<readonly Tag[]>;
  reactions: Loader<FeedbackKind>;
  listeners: Loader<Listener>;
  preferences: Loader<Preferences>;
  feedback: Loader<Feedback>;
  drafts: DataLoader<string, Draft | undefined>;
}

export interface LoaderSources {
  catalogue: Catalogue;
  listeners: Listeners;
  drafts: Drafts;
}

export function createLoaders({ catalogue, listeners, drafts }: LoaderSources, viewer: Viewer): Loaders {
  return {
    tracks: new Loader((ids) => catalogue.tracksById(ids)),
    artists: new Loader((ids) => catalogue.artistsById(ids)),
    genresOfTracks: new Loader((ids) => catalogue.genresOfTracks(ids)),
    genresOfArtists: new Loader((ids) => catalogue.genresOfArtists(ids)),
    tagsOfTracks: new Loader((ids) => catalogue.tagsOfTracks(ids)),
    reactions: new Loader((ids) => listeners.reactions(viewer.listener.id, ids)),
    listeners: new Loader((ids) => listeners.byIds(ids)),
    preferences: new Loader((ids) => listeners.preferences(ids)),
    feedback: new Loader((ids) => listeners.feedbackById(ids)),
    drafts: new DataLoader(async (ids) => {
      const found = await drafts.byIds(viewer, ids);
      return ids.map((id) => found.get(id));
    }),
  };
}
