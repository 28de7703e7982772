import { z } from 'zod';
import { oneOf, purposeList, wholeNumber } from '../values.ts';
import { documented } from './documented.ts';

export const roles = ['all', 'api', 'engine'] as const;

/** Several nodes, and what is kept for how long. */
export const keepingVariables = {
  CADENZA_ROLE: documented(oneOf(roles).prefault('all'), {
    meaning:
      'Role of this node among those on one database. `all`: serve clients and write drafts. `api`: serve clients and load no model. `engine`: write drafts and answer only health checks.',
    default: 'all',
    example: 'api',
  }),
  CADENZA_LOG: documented(oneOf(['postgres', 'nats']).prefault('postgres'), {
    meaning: 'Storage of the drafts’ logs. `postgres`: the database. `nats`: NATS JetStream.',
    default: 'postgres',
    example: 'nats',
  }),
  CADENZA_NATS_URL: documented(
    z.url({ protocol: /^(nats|tls)$/, error: 'is not a nats:// or tls:// URL' }).optional(),
    {
      meaning: 'URL of a NATS server with JetStream, for `CADENZA_LOG=nats`.',
      default: null,
      example: 'nats://nats.example.com:4222',
      secret: true,
    },
  ),
  CADENZA_NATS_REPLICAS: documented(wholeNumber(1, 5).prefault('1'), {
    meaning: 'Number of servers that keep a copy of each log. Use 3 in production.',
    default: '1',
    example: '3',
  }),
  CADENZA_LOG_DAYS: documented(wholeNumber(1, 36_500).prefault('30'), {
    meaning: 'Number of days that a finished draft’s events are kept. After that only its text remains.',
    default: '30',
    example: '7',
  }),
  CADENZA_CONSENT: documented(purposeList.prefault('training,analytics'), {
    meaning:
      'What the feedback of listeners who have said nothing else may be used for besides their own recommendations: `training` of what others are recommended, `analytics`, both, or `none`.',
    default: 'training,analytics',
    example: 'none',
  }),
  CADENZA_DRAFT_DAYS: documented(wholeNumber(1, 36_500).optional(), {
    meaning:
      'Number of days after its last change that a finished draft is kept. After that it is deleted, with its log.',
    default: 'until it is deleted',
    example: '365',
  }),
  CADENZA_LIST_DAYS: documented(wholeNumber(2, 36_500).prefault('90'), {
    meaning: 'Number of days that served lists are kept. Analytics, attribution and exports go back as far.',
    default: '90',
    example: '30',
  }),
  CADENZA_FEEDBACK_DAYS: documented(wholeNumber(1, 36_500).optional(), {
    meaning:
      'Number of days that feedback is kept. What listeners set as liked, saved or hidden stays until they take it back.',
    default: 'until it is removed',
    example: '730',
  }),
  CADENZA_USAGE_DAYS: documented(wholeNumber(62, 36_500).optional(), {
    meaning: 'Number of days that counts of usage are kept, from which bills are made.',
    default: 'until the listener is erased',
    example: '400',
  }),
  CADENZA_AUDIT_DAYS: documented(wholeNumber(1, 36_500).prefault('365'), {
    meaning: 'Number of days that an entry of the audit log is kept. Before that nobody can remove it.',
    default: '365',
    example: '3650',
  }),
  CADENZA_ALTERNATIVES: documented(oneOf(['on', 'off']).prefault('on'), {
    meaning:
      '`on`: the most likely alternatives of each token are kept with a draft. `off`: they are neither kept nor sent, which halves the storage of drafts.',
    default: 'on',
    example: 'off',
  }),
  CADENZA_MODEL_MEMORY_MB: documented(wholeNumber(64, 16_777_216).optional(), {
    meaning: 'Memory for all loaded models together, in MiB. Idle models are unloaded to make room for others.',
    default: 'half of the machine’s',
    example: '8192',
  }),
  CADENZA_MODEL_IDLE_MINUTES: documented(wholeNumber(1, 20_000).prefault('30'), {
    meaning: 'Minutes after which an idle model is unloaded. It is loaded again when a draft needs it.',
    default: '30',
    example: '5',
  }),
};
