import type { GroupRecommendation } from '../../recommend/recommender.ts';
import { existingTrack, need } from '../../resolvers/catalogue.ts';
import { groupRecommendations } from '../../resolvers/recommend/recommendations.ts';
import { builder, filled } from '../builder.ts';
import { TrackFilterInput } from '../catalogue/filters.ts';
import { ListenerType } from '../drafts/draft-refs.ts';
import { TrackType } from '../track-refs.ts';
import { ExplanationType } from './recommendation-list.ts';

const GroupStrategyType = builder.enumType('GroupStrategy', {
  description: "How the members' shares of a track become its score for the group.",
  values: {
    MEAN: { description: 'The mean: most of the group is served best.' },
    LEAST_MISERY: { description: 'The least: nobody gets what suits them badly.' },
  } as const,
});

const GroupMemberType = builder.objectRef<GroupRecommendation['members'][number]>('GroupMember').implement({
  description: 'What a track is worth to one member of a group, and why.',
  fields: (t) => ({
    listener: t.field({
      type: ListenerType,
      description: 'The member.',
      resolve: ({ listenerId }, _, { loaders }) => need(loaders.listeners.get(listenerId), `listener ${listenerId}`),
    }),
    score: t.exposeFloat('score', {
      description: 'The score for this member alone: `explanation.baseline` plus the contributions of all reasons.',
    }),
    share: t.exposeFloat('share', {
      description: "The score relative to that of the member's own best track, which has 1.",
    }),
    explanation: t.field({
      type: ExplanationType,
      description: "The reasons for this member's score.",
      resolve: ({ explanation }) => explanation,
    }),
  }),
});

const GroupRecommendationType = builder.objectRef<GroupRecommendation>('GroupRecommendation').implement({
  description: 'A track for a group of listeners.',
  fields: (t) => ({
    track: t.field({
      type: TrackType,
      description: 'The recommended track.',
      resolve: ({ trackId }, _, context) => existingTrack(trackId, context),
    }),
    rank: t.exposeInt('rank', { description: 'Position in the list, from 1.' }),
    score: t.exposeFloat('score', { description: "The mean or the least of the members' shares." }),
    members: t.field({
      type: [GroupMemberType],
      description: 'What it is worth to each member, in the order in which they were named.',
      resolve: ({ members }) => members,
    }),
  }),
});

const DEFAULTS = { strategy: 'LEAST_MISERY' as const, includeHeard: false, first: 10 };

builder.queryField('groupRecommendations', (t) =>
  t.field({
    type: [GroupRecommendationType],
    description:
      'Tracks for several listeners who hear them together. What any of them excludes is excluded. It counts as no ' +
      'impression. Requires the SERVICE role.',
    args: {
      listenerIds: t.arg.idList({ required: true, description: 'The `id` of each member: 1–20, each once.' }),
      strategy: t.arg({
        type: GroupStrategyType,
        defaultValue: DEFAULTS.strategy,
        description: 'What counts as suiting the group.',
      }),
      filter: t.arg({ type: TrackFilterInput, description: 'Conditions that the tracks must meet.' }),
      includeHeard: t.arg.boolean({
        defaultValue: DEFAULTS.includeHeard,
        description: 'Whether tracks that a member already knows are included.',
      }),
      first: t.arg.int({ defaultValue: DEFAULTS.first, description: 'Maximum number of tracks: 1–100.' }),
    },
    resolve: (_, args, context) => groupRecommendations(filled(args, DEFAULTS), context),
  }),
);
