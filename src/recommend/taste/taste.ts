import type { FeedbackKind } from '../../listeners/listeners.ts';
import type { Meaning } from '../meaning/meanings.ts';
import type { Feel } from '../model/descriptions.ts';
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
  unlikeTrackIds?: readonly number[];
  /** Heard in this session, oldest first: it takes the place of what was heard before. */
  session?: readonly number[];
  contextText: string | null;
  /** What `contextText` and `text` mean. Absent if that is nothing, or not known. */
  contextMeaning?: Meaning;
  textMeaning?: Meaning;
  /** The draft whose mood was asked for, and what that means. */
  moodOf?: { draftId: string; words: string; feel?: Feel | null };
  moodMeaning?: Meaning;
  /** In [0, 1]: how much newness counts. */
  freshness?: number;
  /** Answers what the list would be if popularity did not count. */
  withoutPopularity?: boolean;
}

/** Whose meaning it is: the request's text, the listener's own, or a draft's mood. */
export type MeaningOf = 'context' | 'text' | 'mood';

/** The origin of a part of a score. */
export type TermSource =
  | { kind: 'history'; trackId: number; feedback: FeedbackKind; plays: number; at: number }
  | { kind: 'popularity' }
  | { kind: 'genre'; slug: string; weight: number }
  | { kind: 'artist'; artistId: number }
  | { kind: 'tag'; tag: string }
  | { kind: 'text'; text: string }
  | { kind: 'seed' | 'unlike'; trackId: number }
  /** `ago` other tracks of the session were heard since. */
  | { kind: 'session'; trackId: number; ago: number }
  | { kind: 'context'; text: string }
  /** What is close to the meaning of the request's text, or of what the listener wrote. */
  | ({ kind: 'meaning'; of: MeaningOf } & Meaning)
  /** What feels as the draft does whose mood was asked for. */
  | ({ kind: 'feel' } & Feel)
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
    case 'unlike':
      return { ...taste, unlikeTrackIds: (taste.unlikeTrackIds ?? []).filter((id) => id !== source.trackId) };
    case 'session':
      return { ...taste, session: (taste.session ?? []).filter((id) => id !== source.trackId) };
    case 'text':
      return { ...taste, text: null };
    case 'context':
      return { ...taste, contextText: null };
    case 'meaning': {
      const { [`${source.of}Meaning` as const]: _, ...rest } = taste;
      return rest;
    }
    case 'feel':
      return { ...taste, ...(taste.moodOf && { moodOf: { ...taste.moodOf, feel: null } }) };
    case 'freshness':
      return { ...taste, freshness: 0 };
    case 'popularity':
      return { ...taste, withoutPopularity: true };
  }
}

/** The tracks of the session, each once, the last heard first. */
export const sessionOf = ({ session = [] }: Pick<Taste, 'session'>): readonly number[] => [
  ...new Set([...session].reverse()),
];

/** What is known about a listener, without the request's context. */
export type KnownTaste = Omit<
  Taste,
  'seedTrackIds' | 'unlikeTrackIds' | 'session' | 'contextText' | 'moodOf' | `${MeaningOf}Meaning`
>;
