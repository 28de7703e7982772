import { z } from 'zod';
import type { AssistRow } from '../db/documents/assist-queries.ts';
import { TONES } from '../drafts/drafts.ts';
import { parseStored } from '../lib/stored-data.ts';
import { defaultSampling, type Sampling } from '../ml/engine.ts';
import type { AskedFor, Assist, AssistReason, AssistStatus } from './contract.ts';

const sampling = z.custom<Sampling>((value) => typeof value === 'object' && value !== null);
const asked: z.ZodType<AskedFor> = z.object({
  task: z.enum(['CONTINUE', 'REWRITE', 'TUNE']),
  // Before there were suggestions, all was written.
  mode: z.enum(['WRITE', 'SUGGEST']).default('WRITE'),
  instruction: z.string().nullable(),
  tone: z.enum(TONES).nullable(),
  modelId: z.string(),
  digest: z.string().nullable(),
  samplings: z.array(sampling.transform((stored) => ({ ...defaultSampling, ...stored }))),
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
  ...{ before: z.string(), passage: z.string(), after: z.string() },
  delta: z.array(
    z
      .object({
        insert: z.union([z.string(), z.record(z.string(), z.unknown())]),
        attributes: z.record(z.string(), z.unknown()).optional(),
      })
      .transform(({ insert, attributes }) => ({ insert, ...(attributes && { attributes }) })),
  ),
  range: z.object({ start: z.string(), end: z.string() }).nullable().default(null),
  ...{ place: z.string(), removal: z.string().nullable(), cursor: z.string(), stateVector: z.string() },
  asAdmin: z.boolean(),
});

const reason = z.enum([
  'RANGE_DELETED',
  'CANCELLED',
  'FORBIDDEN',
  'DOCUMENT_FULL',
  'MODEL_FAILED',
  'DRAFT_DELETED',
] satisfies AssistReason[]);
const stored = z.object({ asked, reason: reason.nullable() });

/** @throws StoredDataError */
export function assistOf({ status, ...row }: AssistRow): Assist {
  const shown: AssistStatus = status === 'STARTING' ? 'WRITING' : status;
  return { ...row, status: shown, ...parseStored(stored, row, `assist ${row.id}`) };
}

/** As which client it writes or suggests, and where. */
export function peerPlaceOf({ clientId, asked: { place, removal } }: Assist) {
  return { client: clientId, place: fromBase64(place), removal: removal === null ? null : fromBase64(removal) };
}

export const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
