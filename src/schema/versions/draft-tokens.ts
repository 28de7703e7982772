import type { PlacedToken } from '../../drafts/drafts.ts';
import { builder, filled } from '../builder.ts';
import { TokenAlternativeType } from '../drafts/draft-events.ts';
import { DraftType } from '../drafts/draft-refs.ts';

const DraftTokenType = builder.objectRef<PlacedToken>('DraftToken').implement({
  description: "A token of the model in a draft's text. Positions are in characters (Unicode code points).",
  fields: (t) => ({
    start: t.exposeInt('start', { description: 'The position of its first character, from 0.' }),
    end: t.exposeInt('end', { description: 'The position after its last character.' }),
    text: t.exposeString('text', { description: "The token's text." }),
    logprob: t.exposeFloat('logprob', {
      description:
        "The natural log-probability in the model's own distribution, before temperature, penalties and cut-offs.",
    }),
    probability: t.float({
      description: 'The same as a probability, 0–1.',
      resolve: ({ logprob }) => Math.exp(logprob),
    }),
    alternatives: t.field({
      type: [TokenAlternativeType],
      description:
        'The most likely other tokens, most likely first. `branchDraft` starts a draft with one of them: `at` is the ' +
        "token's `start`, and `text` the alternative's `text`.",
      resolve: ({ alternatives }) => alternatives,
    }),
  }),
});

builder.objectFields(DraftType, (t) => ({
  tokens: t.field({
    type: [DraftTokenType],
    description:
      'The tokens of the text from a position on, in order, as far as they are known: what was typed has none, nor has ' +
      'what is older than the events that are kept.',
    args: {
      from: t.arg.int({ defaultValue: 0, description: 'The position from which on tokens are wanted.' }),
      first: t.arg.int({ defaultValue: 100, description: 'Maximum number of tokens: 1–100.' }),
    },
    resolve: (draft, args, { drafts }) => drafts.tokensOf(draft, filled(args, { from: 0, first: 100 })),
  }),
}));
