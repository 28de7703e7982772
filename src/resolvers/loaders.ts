import DataLoader from 'dataloader';
import type { ApiKey, ApiKeys } from '../access/access.ts';
import type { Album, Artist, Catalogue, Credit, Genre, Tag, Track, TrackDetails } from '../catalogue/catalogue.ts';
import type { DocumentMember, Documents, TextDocument } from '../documents/documents.ts';
import type { Draft, DraftGroup, Drafts } from '../drafts/drafts.ts';
import type {
  Consent,
  Feedback,
  Listener,
  Listeners,
  Preferences,
  Viewer,
  ViewerFeedback,
} from '../listeners/listeners.ts';

/**
 * Batches the loads of one operation's fields into one call. Known values are returned without a promise: a list of
 * twenty tracks has hundreds of fields, and each promise costs more than the field.
 */
class Loader<Value> {
  readonly #batch: (ids: readonly number[]) => Promise<ReadonlyMap<number, Value>>;
  readonly #known = new Map<number, Value | undefined>();
  #loader: DataLoader<number, Value | undefined> | null = null;
  #wanted = new Set<number>();
  #fetching: Promise<void> | null = null;

  constructor(batch: (ids: readonly number[]) => Promise<ReadonlyMap<number, Value>>) {
    this.#batch = batch;
  }

  get(id: number): Value | undefined | Promise<Value | undefined> {
    if (this.#known.has(id)) return this.#known.get(id);
    // Most operations need only some of the loaders, and lists prefetch their values.
    this.#loader ??= new DataLoader((ids) => this.#load(ids), { cache: false });
    return this.#loader.load(id);
  }

  /** Forgets known values: a later mutation of the same operation returns the state after it. */
  clear(): void {
    this.#known.clear();
  }

  /** Loads these values. What several lists of one operation need in the same turn is loaded in one call. */
  async prefetch(ids: readonly number[]): Promise<void> {
    const missing = ids.filter((id) => !this.#known.has(id));
    if (missing.length === 0) return;
    for (const id of missing) this.#wanted.add(id);
    await (this.#fetching ??= this.#fetchWanted());
  }

  async #fetchWanted(): Promise<void> {
    // Waits for this turn's promises, as DataLoader does, so that the values for other lists are known too.
    await new Promise<void>((resolve) => void Promise.resolve().then(() => process.nextTick(resolve)));
    const ids = [...this.#wanted];
    this.#wanted = new Set();
    this.#fetching = null;
    await this.#load(ids);
  }

  async #load(ids: readonly number[]): Promise<(Value | undefined)[]> {
    const found = await this.#batch([...new Set(ids)]);
    for (const id of ids) this.#known.set(id, found.get(id));
    return ids.map((id) => found.get(id));
  }
}

export interface Loaders {
  keys: Loader<ApiKey>;
  tracks: Loader<Track>;
  artists: Loader<Artist>;
  albums: Loader<Album>;
  creditsOfTracks: Loader<readonly Credit[]>;
  detailsOfTracks: Loader<TrackDetails>;
  trackCounts: Record<'artist' | 'album' | 'tag', Loader<number>>;
  genresOfTracks: Loader<readonly Genre[]>;
  genresOfArtists: Loader<readonly Genre[]>;
  tagsOfTracks: Loader<readonly Tag[]>;
  viewerFeedback: Loader<ViewerFeedback>;
  listeners: Loader<Listener>;
  preferences: Loader<Preferences>;
  consents: Loader<Consent>;
  feedback: Loader<Feedback>;
  genresBySlug: DataLoader<string, Genre | undefined>;
  drafts: DataLoader<string, Draft | undefined>;
  draftGroups: DataLoader<string, DraftGroup | undefined>;
  documents: DataLoader<string, TextDocument | undefined>;
  documentMembers: DataLoader<string, readonly DocumentMember[]>;
}

export interface LoaderSources {
  catalogue: Catalogue;
  listeners: Listeners;
  drafts: Drafts;
  documents: Documents;
  keys: ApiKeys;
}

export function createLoaders(
  { catalogue, listeners, drafts, documents, keys }: LoaderSources,
  viewer: Viewer,
): Loaders {
  return {
    keys: new Loader((ids) => keys.byIds(ids)),
    tracks: new Loader((ids) => catalogue.tracksById(ids)),
    artists: new Loader((ids) => catalogue.artistsById(ids)),
    albums: new Loader((ids) => catalogue.albumsById(ids)),
    creditsOfTracks: new Loader((ids) => catalogue.creditsOfTracks(ids)),
    detailsOfTracks: new Loader((ids) => catalogue.detailsOfTracks(ids)),
    trackCounts: {
      artist: new Loader((ids) => catalogue.trackCounts('artist', ids)),
      album: new Loader((ids) => catalogue.trackCounts('album', ids)),
      tag: new Loader((ids) => catalogue.trackCounts('tag', ids)),
    },
    genresOfTracks: new Loader((ids) => catalogue.genresOfTracks(ids)),
    genresOfArtists: new Loader((ids) => catalogue.genresOfArtists(ids)),
    tagsOfTracks: new Loader((ids) => catalogue.tagsOfTracks(ids)),
    viewerFeedback: new Loader((ids) => listeners.viewerFeedback(viewer.listener.id, ids)),
    listeners: new Loader((ids) => listeners.byIds(ids)),
    preferences: new Loader((ids) => listeners.preferences(ids)),
    consents: new Loader((ids) => listeners.consents(ids)),
    feedback: new Loader((ids) => listeners.feedbackById(ids)),
    genresBySlug: new DataLoader(async (slugs) => {
      const found = await catalogue.genresBySlug(slugs);
      return slugs.map((slug) => found.get(slug));
    }),
    drafts: new DataLoader(async (ids) => {
      const found = await drafts.byIds(viewer, ids);
      return ids.map((id) => found.get(id));
    }),
    draftGroups: new DataLoader(async (ids) => {
      const found = await drafts.groupsByIds(viewer, ids);
      return ids.map((id) => found.get(id));
    }),
    documents: new DataLoader(async (ids) => {
      const found = await documents.byIds(viewer, ids);
      return ids.map((id) => found.get(id));
    }),
    documentMembers: new DataLoader(async (ids) => {
      const found = await documents.membersOf(ids);
      return ids.map((id) => found.get(id) ?? []);
    }),
  };
}
