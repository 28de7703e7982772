import { z } from 'zod';
import { LIMITS, type Rotary } from '../architecture.ts';
import { ModelFileError } from '../model-file-error.ts';

const factors = z.array(z.number().positive()).max(LIMITS.hidden);
/** In config.json: `rope_scaling`, or `rope_parameters` in newer files, which includes the base. */
export const ropeSchema = z
  .object({
    rope_type: z.string(),
    type: z.string(),
    rope_theta: z.number(),
    partial_rotary_factor: z.number().positive().max(1),
    factor: z.number().positive(),
    attention_factor: z.number().positive().nullable(),
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: z.number().positive(),
    short_factor: factors,
  })
  .partial();
/** Gemma 3's layers that attend to everything are scaled otherwise than its local ones. */
export const ropesSchema = ropeSchema.extend({
  full_attention: ropeSchema.optional(),
  sliding_attention: ropeSchema.optional(),
});
export type RopeScaling = z.output<typeof ropeSchema>;

/** What scaling depends on besides its own numbers. */
interface Scaled {
  base: number;
  /** Number of frequencies. */
  half: number;
  contextTokens: number;
}

/** @throws ModelFileError for a scheme that is not computed, or that lacks its numbers */
export function rotaryOf(rope: RopeScaling, { base, half, contextTokens }: Scaled): Rotary {
  const scheme = schemeOf(rope);
  const rotary = { base, factors: null, magnitude: 1 };
  switch (scheme) {
    case 'default':
      return rotary;
    case 'linear':
      return { ...rotary, factors: new Array<number>(half).fill(need(rope, 'factor')) };
    case 'llama3': {
      const wavelength = (i: number) => 2 * Math.PI * base ** (i / half);
      return { ...rotary, factors: Array.from({ length: half }, (_, i) => llama3Factor(rope, wavelength(i))) };
    }
    case 'longrope':
      return { ...rotary, factors: shortFactors(rope), magnitude: longMagnitude(rope, contextTokens) };
    default:
      throw new ModelFileError(`config.json: rotary embeddings scaled by "${scheme}" are not supported`);
  }
}

/** LongRoPE was named su in the first Phi-3. */
function schemeOf({ rope_type, type }: RopeScaling): string {
  const scheme = rope_type ?? type ?? 'default';
  return scheme === 'su' ? 'longrope' : scheme;
}

/**
 * With LongRoPE (Ding et al. 2024), the context of the training: beyond it, the frequencies of the whole text would
 * change, also of what is in the key–value cache.
 */
export function trainedContext(rope: RopeScaling, contextTokens: number): number {
  if (schemeOf(rope) !== 'longrope') return contextTokens;
  return Math.min(contextTokens, need(rope, 'original_max_position_embeddings'));
}

function shortFactors({ short_factor }: RopeScaling): number[] {
  if (short_factor === undefined) throw new ModelFileError('config.json: the rotary scaling lacks short_factor');
  return short_factor;
}

/** @param contextTokens with the long factors */
function longMagnitude(rope: RopeScaling, contextTokens: number): number {
  if (rope.attention_factor) return rope.attention_factor;
  const trained = need(rope, 'original_max_position_embeddings');
  const stretch = rope.factor ?? contextTokens / trained;
  return stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(trained));
}

/**
 * Llama 3.1's scaling: short wavelengths are kept, those longer than the training context are stretched by `factor`,
 * and in between the frequency is blended.
 */
function llama3Factor(rope: RopeScaling, wavelength: number): number {
  const factor = need(rope, 'factor');
  const [low, high] = [need(rope, 'low_freq_factor'), need(rope, 'high_freq_factor')];
  const turns = need(rope, 'original_max_position_embeddings') / wavelength;
  if (turns > high) return 1;
  if (turns < low) return factor;
  const share = (turns - low) / (high - low);
  return 1 / ((1 - share) / factor + share);
}

type Numbers = 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings';

function need(rope: RopeScaling, key: Numbers): number {
  const value = rope[key];
  if (value === undefined) throw new ModelFileError(`config.json: the rotary scaling lacks ${key}`);
  return value;
}
