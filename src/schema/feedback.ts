import type { Track } from '../catalogue/catalogue.ts';
import type { Verdict, ViewerFeedback } from '../listeners/listeners.ts';
import type { Context } from '../resolvers/context.ts';
import { setVerdict, type VerdictArgs, viewerFeedbackOf } from '../resolvers/listeners.ts';
import { outcome } from '../resolvers/outcome.ts';
import { builder } from './builder.ts';
import { resultType } from './errors.ts';
import { TrackType } from './track-refs.ts';

export const FeedbackKindType = builder.enumType('FeedbackKind', {
  description: 'What a listener did with a track.',
  values: {
    PLAY: { description: 'Started playing it.' },
    COMPLETE: { description: 'Played it to the end.' },
    LIKE: { description: 'Liked it.' },
    SAVE: { description: 'Saved it.' },
    SKIP: { description: 'Skipped it.' },
    DISLIKE: { description: 'Disliked it.' },
    HIDE: { description: 'Asked never to be shown it again.' },
  } as const,
});

const ReactionType = builder.enumType('Reaction', {
  description: 'What a listener thinks of a track.',
  values: {
    LIKE: { description: 'The listener likes the track.' },
    DISLIKE: { description: 'The listener dislikes the track.' },
  } as const,
});

export const TrackMarkType = builder.enumType('TrackMark', {
  description: 'What a listener marked a track as. What was taken back does not count.',
  values: {
    LIKED: { description: 'The listener likes the track.' },
    DISLIKED: { description: 'The listener dislikes the track.' },
    SAVED: { description: 'The listener saved the track.' },
    HIDDEN: { description: 'The listener hid the track, and neither liked nor saved it later.' },
  } as const,
});

const ViewerFeedbackType = builder.objectRef<ViewerFeedback>('ViewerFeedback').implement({
  description: 'What the viewer did with a track, as an app shows it.',
  fields: (t) => ({
    reaction: t.field({
      type: ReactionType,
      nullable: true,
      description: "The viewer's reaction. Null if there is none, or it was taken back.",
      resolve: ({ reaction }) => reaction,
    }),
    isSaved: t.exposeBoolean('isSaved', { description: 'Whether the viewer saved the track.' }),
    isHidden: t.exposeBoolean('isHidden', {
      description: 'Whether the viewer hid the track, and neither liked nor saved it later.',
    }),
    lastPlayedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the viewer last played the track. Null if never.',
      resolve: ({ lastPlayedAt }) => lastPlayedAt,
    }),
    playCount: t.exposeInt('playCount', {
      description:
        'Number of times that the viewer played the track. A COMPLETE within an hour of its PLAY is one play.',
    }),
  }),
});

builder.objectField(TrackType, 'viewerFeedback', (t) =>
  t.field({
    type: ViewerFeedbackType,
    description: 'What the viewer did with the track.',
    resolve: (track, _, context) => viewerFeedbackOf(track, context),
  }),
);

const verdictArgs = builder.args((t) => ({
  trackId: t.id({ required: true, description: "The track's `id`." }),
  requestId: t.id({ description: 'The `requestId` of the list that the viewer responded to.' }),
}));

const verdictErrors = ['InvalidInputError', 'NotFoundError'] as const;

/** `NAMEResult`: the track as the viewer now has it, or why nothing was changed. */
const verdictResult = (name: string) => {
  const success = builder.objectRef<{ track: Track }>(`${name}Success`).implement({
    description: 'The state was set, or was so already.',
    fields: (t) => ({
      track: t.field({ type: TrackType, description: 'The track.', resolve: ({ track }) => track }),
    }),
  });
  return resultType(name, success, verdictErrors);
};

const say = (args: VerdictArgs, verdict: Verdict, context: Context) =>
  outcome(verdictErrors, () => setVerdict(args, verdict, context));

builder.mutationFields((t) => ({
  setReaction: t.field({
    type: verdictResult('SetReaction'),
    description: 'Sets what the viewer thinks of a track. Repeating it has no effect. The next list follows it.',
    args: {
      ...verdictArgs,
      reaction: t.arg({ type: ReactionType, description: 'The reaction. Null takes an earlier one back.' }),
    },
    resolve: (_, { reaction = null, ...args }, context) =>
      say(args, { dimension: 'REACTION', kind: reaction }, context),
  }),
  setSaved: t.field({
    type: verdictResult('SetSaved'),
    description: 'Saves a track for the viewer, or takes that back. Repeating it has no effect.',
    args: {
      ...verdictArgs,
      saved: t.arg.boolean({ required: true, description: 'Whether the track is saved.' }),
    },
    resolve: (_, { saved, ...args }, context) =>
      say(args, { dimension: 'SAVED', kind: saved ? 'SAVE' : null }, context),
  }),
  setHidden: t.field({
    type: verdictResult('SetHidden'),
    description:
      'Hides a track from all lists of the viewer, or takes that back. Repeating it has no effect. Liking or saving the ' +
      'track later shows it again.',
    args: {
      ...verdictArgs,
      hidden: t.arg.boolean({ required: true, description: 'Whether the track is hidden.' }),
    },
    resolve: (_, { hidden, ...args }, context) =>
      say(args, { dimension: 'HIDDEN', kind: hidden ? 'HIDE' : null }, context),
  }),
}));
