import { z } from 'zod';
import { type Model, MODEL_TASKS } from '../../ml/engine.ts';

const text = z.string();
const model: z.ZodType<Model> = z.object({
  id: text,
  name: text,
  task: z.enum(MODEL_TASKS),
  version: text,
  digest: text.nullable(),
  license: text.nullable(),
  executionProvider: z.enum(['CPU', 'CUDA']),
  parameters: z.number().nullable(),
  contextTokens: z.number().nullable(),
  status: z.enum(['ABSENT', 'FETCHING', 'COMPILING', 'READY', 'FAILED']),
  fetched: z.number(),
  failure: text.nullable(),
  kernels: z.enum(['INTEGERS', 'BLOCKS', 'FLOATS']).nullable().exactOptional(),
  fingerprint: text.nullable().exactOptional(),
  forecast: z.object({ stepMs: z.number(), endsMs: z.array(z.number()) }).exactOptional(),
});
const models = z.array(model.nullable().catch(null)).catch([]);

/** A node of another version lives and counts, whatever it says of its models: those that cannot be read are left out. */
export const readableModels = (stored: unknown): Model[] => models.parse(stored).filter((one) => one !== null);
