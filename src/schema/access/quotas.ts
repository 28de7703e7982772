import type { QuotaState } from '../../access/access.ts';
import { builder } from '../builder.ts';

const ALLOWED = {
  requestsPerDay: 'Operations in a day of UTC.',
  draftsPerDay: 'Drafts begun in a day of UTC: each alternative and each continuation counts.',
  tokensPerDay: 'Tokens of drafts, read and written, in a day of UTC. A draft that has begun is written to its end.',
  tokensPerMonth: 'Tokens of drafts, read and written, in a month of UTC.',
} as const;

const QuotaNameType = builder.enumType('Quota', {
  description: 'What is limited.',
  values: {
    REQUESTS_PER_DAY: { value: 'requestsPerDay', description: ALLOWED.requestsPerDay },
    DRAFTS_PER_DAY: { value: 'draftsPerDay', description: ALLOWED.draftsPerDay },
    TOKENS_PER_DAY: { value: 'tokensPerDay', description: ALLOWED.tokensPerDay },
    TOKENS_PER_MONTH: { value: 'tokensPerMonth', description: ALLOWED.tokensPerMonth },
  } as const,
});

export const QuotaStateType = builder.objectRef<QuotaState>('QuotaState').implement({
  description: 'A limit of an API key, and how far it is used up.',
  fields: (t) => ({
    quota: t.field({ type: QuotaNameType, description: 'What is limited.', resolve: ({ quota }) => quota }),
    soft: t.exposeFloat('soft', {
      nullable: true,
      description: 'From here on answers carry `extensions.quotas`. Null for no such limit.',
    }),
    hard: t.exposeFloat('hard', { nullable: true, description: 'What is beyond is refused. Null for no such limit.' }),
    spent: t.exposeFloat('spent', { description: 'How much was used in the present period, up to a few seconds ago.' }),
    resetsAt: t.field({ type: 'DateTime', description: 'When the period ends.', resolve: ({ resetsAt }) => resetsAt }),
  }),
});

const AllowanceInput = builder.inputType('AllowanceInput', {
  description: 'A limit. Whole numbers, `soft` at most `hard`.',
  fields: (t) => ({
    soft: t.float({ description: 'From here on answers carry `extensions.quotas`.' }),
    hard: t.float({ description: 'What is beyond is refused.' }),
  }),
});

export const ApiKeyQuotaInput = builder.inputType('ApiKeyQuotaInput', {
  description: 'What may be used with an API key. What is absent has no limit.',
  fields: (t) => ({
    requestsPerDay: t.field({ type: AllowanceInput, description: ALLOWED.requestsPerDay }),
    draftsPerDay: t.field({ type: AllowanceInput, description: ALLOWED.draftsPerDay }),
    tokensPerDay: t.field({ type: AllowanceInput, description: ALLOWED.tokensPerDay }),
    tokensPerMonth: t.field({ type: AllowanceInput, description: ALLOWED.tokensPerMonth }),
  }),
});
