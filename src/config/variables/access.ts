import { z } from 'zod';
import { checkOrigins, httpUrl, oneOf, splitList, wholeNumber } from '../values.ts';
import { documented } from './documented.ts';

/** Which GraphQL documents are executed. */
export const documentModes = ['any', 'required', 'required-except-admin'] as const;

/** Who may use it, and what it serves to whom. */
export const accessVariables = {
  CADENZA_JWT_SECRET: documented(
    z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= 32, { error: 'is shorter than 32 bytes' })
      .optional(),
    {
      meaning: 'Shared secret (HS256) that signs the requests’ JSON Web Tokens, at least 32 bytes.',
      default: null,
      example: '"$(openssl rand -base64 48)"',
      secret: true,
    },
  ),
  CADENZA_JWKS_URL: documented(httpUrl.optional(), {
    meaning: 'URL of the identity provider’s public keys (JWKS).',
    default: null,
    example: 'https://id.example.com/.well-known/jwks.json',
  }),
  CADENZA_JWT_ISSUER: documented(z.string().optional(), {
    meaning: 'Required `iss` claim of tokens.',
    default: null,
    example: 'https://id.example.com/',
  }),
  CADENZA_JWT_AUDIENCE: documented(z.string().optional(), {
    meaning: 'Required `aud` claim of tokens.',
    default: null,
    example: 'cadenza',
  }),
  CADENZA_JWT_MAX_HOURS: documented(wholeNumber(1, 87_600).prefault('720'), {
    meaning:
      'Maximum lifetime of tokens in hours: a token whose `exp` is further in the future, or absent, is refused.',
    default: '720',
    example: '24',
  }),
  CADENZA_VISITOR_SECRET: documented(
    z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= 32, { error: 'is shorter than 32 bytes' })
      .optional(),
    {
      meaning:
        'Secret that signs the tokens of visitors who have not signed in, at least 32 bytes, the same on all nodes. Without it only signed-in listeners are served.',
      default: null,
      example: '"$(openssl rand -base64 48)"',
      secret: true,
    },
  ),
  CADENZA_VISITOR_HOURS: documented(wholeNumber(1, 8_760).prefault('168'), {
    meaning: 'Lifetime of a visitor’s token in hours.',
    default: '168',
    example: '24',
  }),
  CADENZA_CORS_ORIGINS: documented(z.string().prefault('').transform(splitList).superRefine(checkOrigins), {
    meaning:
      'Origins of web pages and web-view apps that may call the server in addition to its own, separated by commas.',
    default: null,
    example: 'https://app.example.com,capacitor://localhost',
  }),
  CADENZA_GRAPHIQL: documented(oneOf(['on', 'off']).optional(), {
    meaning: '`on`: browsers get GraphiQL at the GraphQL path and the reference at `/docs`. `off`: they get neither.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_GET: documented(oneOf(['on', 'off']).optional(), {
    meaning:
      '`on`: queries and subscriptions are also taken by GET. `off`: operations are sent by POST or WebSocket only.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_INTROSPECTION: documented(oneOf(['on', 'off']).optional(), {
    meaning: '`on`: clients may ask for the schema (`__schema`, `__type`). `off`: such a document is refused.',
    default: 'on; off in production',
    example: 'off',
  }),
  CADENZA_STUDIO: documented(oneOf(['on', 'off']).prefault('on'), {
    meaning: '`on`: browsers get the Studio at `/studio`. `off`: they do not.',
    default: 'on',
    example: 'off',
  }),
  CADENZA_DOCUMENTS: documented(oneOf(documentModes).prefault('any'), {
    meaning:
      '`any`: clients send GraphQL documents or name registered ones. `required`: only documents that `npm run documents` registered are executed. `required-except-admin`: the same, but for tokens with the ADMIN role.',
    default: 'any',
    example: 'required',
  }),
};
