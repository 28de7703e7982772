import { builder } from './builder.ts';

export const FeedbackKindType = builder.enumType('FeedbackKind', {
  description: 'What a listener did with a track.',
  values: {
    PLAY: { description: 'Began to listen.' },
    COMPLETE: { description: 'Listened to the end.' },
    LIKE: { description: 'Said that it is good.' },
    SAVE: { description: 'Kept it.' },
    SKIP: { description: 'Went on to the next.' },
    DISLIKE: { description: 'Said that it is not good.' },
    HIDE: { description: 'Never wants to see it again.' },
  } as const,
});
