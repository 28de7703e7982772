import type { Snapshot } from '../model/snapshot.ts';
import {
  type AboutAudience,
  type Deed,
  deedOf,
  feelsOf,
  inOneList,
  matchedWords,
  nearestNames,
  type Stated,
  trackName,
  tracksNamed,
  type Wording,
} from './wording.ts';

const ENGLISH_DEEDS: Readonly<Record<Deed, (tracks: string) => string>> = {
  LIKE: (tracks) => `you liked ${tracks}`,
  SAVE: (tracks) => `you saved ${tracks}`,
  COMPLETE: (tracks) => `you heard ${tracks} to the end`,
  PLAY: (tracks) => `you played ${tracks}`,
  PLAY_OFTEN: (tracks) => `you often play ${tracks}`,
  SKIP: (tracks) => `you skipped ${tracks}`,
  DISLIKE: (tracks) => `you disliked ${tracks}`,
  HIDE: (tracks) => `you hid ${tracks}`,
};

/** A genre inside a sentence. */
const genreName = (slug: string, { genreNames }: Snapshot): string => (genreNames.get(slug) ?? slug).toLowerCase();

function stated({ source, isFor }: Stated, index: number, snapshot: Snapshot): string {
  switch (source.kind) {
    case 'genre': {
      const genre = genreName(source.slug, snapshot);
      return isFor ? `you like ${genre}` : `you would rather not hear ${genre}`;
    }
    case 'artist':
      return `${snapshot.artistNames.get(source.artistId) ?? 'this artist'} is one of your artists`;
    case 'tag':
      return `you like “${source.tag}”`;
    case 'text':
      return `you wrote of ${wordsOf(source.text, index, snapshot)}`;
    case 'context':
      return `you asked for ${wordsOf(source.text, index, snapshot)}`;
    case 'meaning': {
      const near = english.list(nearestNames(source, index, snapshot).map((name) => `“${name}”`));
      if (source.of === 'mood') return `it fits the mood of your draft (${source.text}) as ${near}`;
      return `you ${source.of === 'context' ? 'asked for' : 'wrote'} “${source.text}”, and it is close to that as ${near}`;
    }
    case 'feel': {
      const { own, asked } = feelsOf(source, index, snapshot);
      return `its valence and energy (${own}) are close to those of your draft’s mood (${asked})`;
    }
    case 'seed':
      return `it is close to ${trackName(source.trackId, snapshot, english)}`;
    case 'unlike':
      return `you asked for less like ${trackName(source.trackId, snapshot, english)}`;
    case 'session': {
      const heard = trackName(source.trackId, snapshot, english);
      return source.ago === 0 ? `you just heard ${heard}` : `you heard ${heard} a little while ago`;
    }
    case 'freshness':
      return `you asked for what is new and it is from ${snapshot.tracks[index]?.releaseYear ?? 'lately'}`;
  }
}

const wordsOf = (text: string, index: number, snapshot: Snapshot): string =>
  english.list(matchedWords(text, index, snapshot).map((word) => `“${word}”`));

function audience(claim: AboutAudience, snapshot: Snapshot): string {
  const { ofAllTime } = claim;
  switch (claim.form) {
    case 'audience':
      if (claim.listeners === 1) return ofAllTime ? 'somebody else has listened to it' : 'somebody else listens to it';
      return ofAllTime ? `${claim.listeners} others have listened to it` : `${claim.listeners} others listen to it`;
    case 'genreRank': {
      const genre = genreName(claim.genre, snapshot);
      const heard = ofAllTime ? 'has been heard' : 'is heard';
      if (claim.above === 0) return `nothing in ${genre} ${heard} more`;
      const tracks = claim.above === 1 ? 'one track' : `${claim.above} tracks`;
      return `only ${tracks} in ${genre} ${claim.above > 1 ? heard.replace('is', 'are').replace('has', 'have') : heard} more`;
    }
    case 'wellKnown':
      return ofAllTime ? 'it has been heard more than most tracks' : 'it is heard more than most tracks';
    case 'heardByOthers':
      return ofAllTime ? 'others have listened to it' : 'others listen to it';
    case 'heardByFew':
      return ofAllTime ? 'few others have listened to it' : 'few others listen to it at present';
  }
}

export const english: Wording = {
  clause: (claim, index, snapshot) => {
    switch (claim.form) {
      case 'stated':
        return stated(claim, index, snapshot);
      case 'rejected':
        return 'more others reject it than listen to it';
      case 'deed':
      case 'sameArtist':
      case 'sharedGenre':
      case 'sharedTag': {
        const deed = english.deed(deedOf(claim.source), tracksNamed([claim.source], snapshot, english));
        if (claim.form === 'deed') return deed;
        if (claim.form === 'sameArtist') return `${deed}, and this is ${claim.name} too`;
        return claim.form === 'sharedTag'
          ? `${deed}, and both are “${claim.name}”`
          : `${deed}, and both are ${claim.name.toLowerCase()}`;
      }
      case 'sameListeners':
        return `those who listen to ${trackName(claim.source.trackId, snapshot, english)} listen to it`;
      case 'justHeard': {
        const heard = trackName(claim.source.trackId, snapshot, english);
        return claim.age === 0
          ? `you just heard ${heard}, after which others play it`
          : `you heard ${heard} a little while ago, after which others play it`;
      }
      case 'audience':
      case 'genreRank':
      case 'wellKnown':
      case 'heardByOthers':
      case 'heardByFew':
        return audience(claim, snapshot);
    }
  },
  deed: (deed, tracks) => ENGLISH_DEEDS[deed](tracks),
  // A track that stands for its artist has the artist's name.
  track: (title, artist) => (title === artist ? `“${title}”` : `“${title}” by ${artist}`),
  list: (items) => inOneList(items, ', ', ' and '),
  // The comma separates “A and B, and …”.
  because: (clauses) =>
    `Because ${inOneList(clauses, ', ', clauses.some((one) => one.includes(' and ')) ? ', and ' : ' and ')}.`,
  although: (sentence, clause) => `${sentence.slice(0, -1)}, although ${clause}.`,
  sentence: (clause) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`,
  nothing: 'Nothing you did or said speaks for it so far.',
};
