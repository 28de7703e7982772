import type { FeedbackKind } from '../../listeners/listeners.ts';
import type { Reaction } from './strengths.ts';

/**
 * Everything that a listener's ranking depends on, except catalogue and weights. It is plain data, so that it can be
 * stored with a list.
 */
export interface Taste {
  /** Newest first. */
  history: readonly Reaction[];
  genres: readonly { slug: string; weight: number }[];
  artistIds: readonly number[];
  tags: readonly string[];
  text: string | null;
  allowExplicit: boolean;
  /** For this request only. */
  seedTrackIds: readonly number[];
  contextText: string | null;
  /** In [0, 1]: how much newness counts. */
  freshness?: number;
  /** Answers what the list would be if popularity did not count. */
  withoutPopularity?: boolean;
}

/** The origin of a part of a score. */
export type TermSource =
  | { kind: 'history'; trackId: number; feedback: FeedbackKind; plays: number; at: number }
  | { kind: 'popularity' }
  | { kind: 'genre'; slug: string; weight: number }
  | { kind: 'artist'; artistId: number }
  | { kind: 'tag'; tag: string }
  | { kind: 'text'; text: string }
  | { kind: 'seed'; trackId: number }
  | { kind: 'context'; text: string }
  | { kind: 'freshness' };

/**
 * The taste as if this reaction, preference or request did not exist. Tracks that it excluded are then not excluded.
 */
export function tasteWithout(taste: Taste, source: TermSource): Taste {
  switch (source.kind) {
    case 'history':
      return { ...taste, history: taste.history.filter(({ trackId }) => trackId !== source.trackId) };
    case 'genre':
      return { ...taste, genres: taste.genres.filter(({ slug }) => slug !== source.slug) };
    case 'artist':
      return { ...taste, artistIds: taste.artistIds.filter((id) => id !== source.artistId) };
    case 'tag':
      return { ...taste, tags: taste.tags.filter((tag) => tag !== source.tag) };
    case 'seed':
      return { ...taste, seedTrackIds: taste.seedTrackIds.filter((id) => id !== source.trackId) };
    case 'text':
      return { ...taste, text: null };
    case 'context':
      return { ...taste, contextText: null };
    case 'freshness':
      return { ...taste, freshness: 0 };
    case 'popularity':
      return { ...taste, withoutPopularity: true };
  }
}

/** What is known about a listener, without the request's context. */
export type KnownTaste = Omit<Taste, 'seedTrackIds' | 'contextText'>;
