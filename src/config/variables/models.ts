import { existsSync } from 'node:fs';
import { z } from 'zod';
import { httpUrl, oneOf, share, wholeNumber } from '../values.ts';
import { documented } from './documented.ts';

export const kernels = ['auto', 'blocks', 'integers'] as const;
export const devices = ['auto', 'cpu', 'cuda'] as const;

/** The models, and the places of drafts. */
export const modelsVariables = {
  CADENZA_MODELS: documented(
    z
      .string()
      .refine((path) => existsSync(path), { error: 'is not a file that exists' })
      .optional(),
    {
      meaning: 'File with additional entries for the model catalogue.',
      default: null,
      example: '/etc/cadenza/models.json',
    },
  ),
  CADENZA_PRICES: documented(
    z
      .string()
      .refine((path) => existsSync(path), { error: 'is not a file that exists' })
      .optional(),
    {
      meaning: 'File with the price table by which `npm run usage` computes what is owed (docs/usage.md).',
      default: null,
      example: '/etc/cadenza/prices.json',
    },
  ),
  CADENZA_FETCH_MODELS: documented(oneOf(['auto', 'off']).prefault('auto'), {
    meaning:
      '`auto`: fetch a missing model in the background at start. `off`: only `npm run models -- pull` fetches models. The built-in model of tunes needs no fetching.',
    default: 'auto',
    example: 'off',
  }),
  HF_TOKEN: documented(
    z
      .string()
      .trim()
      .regex(/^[\x21-\x7e]+$/, { error: 'is not an access token' })
      .optional(),
    {
      meaning: 'Access token for gated and private repositories of a `hub`. It is sent to that hub only.',
      default: null,
      example: 'hf_…',
      secret: true,
    },
  ),
  HF_ENDPOINT: documented(httpUrl.optional(), {
    meaning: 'URL of a mirror of the hub, for every `hub` that names none itself.',
    default: null,
    example: 'https://hub.example.com',
  }),
  HTTPS_PROXY: documented(z.string().optional(), {
    meaning: 'Proxy for fetching models from https URLs. The name may also be in lower case.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  HTTP_PROXY: documented(z.string().optional(), {
    meaning: 'Proxy for fetching models from http URLs. The name may also be in lower case.',
    default: null,
    example: 'http://proxy.example.com:3128',
    secret: true,
  }),
  NO_PROXY: documented(z.string().optional(), {
    meaning: 'Hosts to reach without a proxy, separated by commas. `*` matches every host.',
    default: null,
    example: 'localhost,.example.com',
  }),
  CADENZA_DEVICE: documented(oneOf(devices).prefault('auto'), {
    meaning:
      '`auto`: run models on an NVIDIA GPU if there is one and `npm run cuda` was run, otherwise on the CPU. `cuda`: fail the start without a GPU. `cpu`: never use a GPU.',
    default: 'auto',
    example: 'cuda',
  }),
  CADENZA_KERNELS: documented(oneOf(kernels).prefault('blocks'), {
    meaning:
      'How products of 8-bit weights are computed on the CPU: in `blocks`, as sums of `integers`, or `auto`: whichever is faster on its processor, measured once (docs/models.md). Last bits differ between the two, and between processors with different instructions, and so may texts.',
    default: 'blocks',
    example: 'auto',
  }),
  CADENZA_THREADS: documented(wholeNumber(1, 1024).optional(), {
    meaning: 'Number of threads of the inference engine.',
    default: 'all cores',
    example: '4',
  }),
  CADENZA_SLOTS: documented(wholeNumber(1, 256).prefault('16'), {
    meaning:
      'Number of drafts that a model writes at the same time, fewer if memory is short. It does not change any text.',
    default: '16',
    example: '32',
  }),
  CADENZA_QUEUE: documented(wholeNumber(1, 10_000).prefault('16'), {
    meaning: 'Number of drafts that may wait for a model. Any further one is refused with `OverloadedError`.',
    default: '16',
    example: '64',
  }),
  CADENZA_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).optional(), {
    meaning:
      'Number of drafts of one listener that may wait or be written at once, on all nodes together. Any further one is refused with `OverloadedError`. On one node it is at most half of its slots and queue.',
    default: 'half of slots and queue',
    example: '3',
  }),
  CADENZA_VISITOR_DRAFTS_AT_ONCE: documented(wholeNumber(1, 100_000).optional(), {
    meaning: 'The same for a visitor, who has not signed in. At most `CADENZA_DRAFTS_AT_ONCE`.',
    default: 'a quarter of CADENZA_DRAFTS_AT_ONCE, at least 1',
    example: '1',
  }),
  CADENZA_EXPLORATION: documented(share(0.5).prefault('0'), {
    meaning:
      'Probability, 0 to 0.5, that a position of a list is filled at random from the hundred best remaining tracks. The lists’ data is required for estimating how a new version would do.',
    default: '0',
    example: '0.05',
  }),
};
