import { builder } from './builder.ts';

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
