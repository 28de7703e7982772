import { builder } from '../builder.ts';
import type { PothosTypes } from '../connection.ts';

const IntRange = builder.inputType('IntRange', {
  description: 'A range of integers. Both bounds are inclusive; an absent bound is unlimited.',
  fields: (t) => ({ min: t.int({ description: 'The lower bound.' }), max: t.int({ description: 'The upper bound.' }) }),
});

function trackConditions(t: InputFieldBuilder) {
  return {
    genres: t.stringList({ description: 'Tracks with at least one of these genre slugs.' }),
    excludeGenres: t.stringList({ description: 'Tracks with none of these genre slugs.' }),
    artistIds: t.idList({ description: 'Tracks with any of these main artists.' }),
    excludeArtistIds: t.idList({ description: 'Tracks with none of these main artists.' }),
    excludeTrackIds: t.idList({ description: 'All tracks but these.' }),
    releaseYear: t.field({ type: IntRange, description: 'The year of release. Excludes tracks without a known year.' }),
    durationMs: t.field({
      type: IntRange,
      description: 'The duration in milliseconds. Excludes tracks without a known duration.',
    }),
    explicit: t.boolean({ description: 'Excludes explicit tracks if `false`.' }),
  };
}

type InputFieldBuilder = PothosSchemaTypes.InputFieldBuilder<PothosTypes, 'InputObject'>;

export const TrackFilterInput = builder.inputType('TrackFilter', {
  description: 'Conditions on tracks. A track must meet all of them.',
  fields: trackConditions,
});

const MetadataConditionInput = builder.inputType('MetadataCondition', {
  description: "A condition on a track's metadata. A track without a value of the key does not meet it.",
  fields: (t) => ({
    key: t.string({ required: true, description: 'A declared key.' }),
    in: t.field({
      type: ['MetadataValue'],
      description: 'Any of these values, at most 100. Of a list of texts: any of its texts is one of these.',
    }),
    min: t.float({ description: 'The lower bound of a number, inclusive.' }),
    max: t.float({ description: 'The upper bound of a number, inclusive.' }),
  }),
});

export const CatalogueFilterInput = builder.inputType('CatalogueFilter', {
  description: 'Conditions on tracks of the catalogue. A track must meet all of them.',
  fields: (t) => ({
    ...trackConditions(t),
    albumIds: t.idList({ description: 'Tracks of any of these albums.' }),
    isrcs: t.stringList({ description: 'Tracks with any of these ISRCs, with or without hyphens.' }),
    tags: t.stringList({ description: 'Tracks with at least one of these tags.' }),
    metadata: t.field({ type: [MetadataConditionInput], description: 'Conditions on metadata, at most 20.' }),
  }),
});

export const TrackOrderType = builder.enumType('TrackOrder', {
  description: 'The order of a list of tracks.',
  values: {
    POPULARITY: { description: 'Most popular first.' },
    RELEASE_YEAR: { description: 'Newest first; tracks without a year last.' },
    TITLE: { description: 'By title, A to Z.' },
    ADDED: { description: 'When the track was added, the latest first.' },
    RELEVANCE: {
      description:
        'Best match for `search` first, or what is closest to `meaning`. Without either, most popular first.',
    },
  } as const,
});

export const DirectionType = builder.enumType('Direction', {
  description: 'The direction of an order.',
  values: {
    ASC: { description: 'Smallest, oldest or first letter first.' },
    DESC: { description: 'Greatest, newest or last letter first.' },
  } as const,
});

export const NameOrderType = builder.enumType('NameOrder', {
  description: 'The order of a list of names.',
  values: {
    NAME: { description: 'By name, A to Z.' },
    RELEVANCE: { description: 'Best match for `search` first. Without `search`, by name.' },
  } as const,
});

export const AlbumOrderType = builder.enumType('AlbumOrder', {
  description: 'The order of a list of albums.',
  values: {
    TITLE: { description: 'By title, A to Z.' },
    RELEASE_DATE: { description: 'Newest first; albums without a date last.' },
    RELEVANCE: { description: 'Best match for `search` first. Without `search`, by title.' },
  } as const,
});
