import { randomStream } from '../../../src/lib/random.ts';
import { createAbcTokenizer } from '../../../src/tunes/abc/tokenizer.ts';
import { TuneConstraint } from '../../../src/tunes/decoding/tune-constraint.ts';
import type { TuneTask } from '../../../src/tunes/form/compose.ts';
import { abcSymbols } from './abc-symbols.ts';

export const tokenizer = createAbcTokenizer(abcSymbols());
export const table = { ...tokenizer, ends: new Set([tokenizer.end]) };

/** What a model without any knowledge writes: each allowed token is equally likely. */
export function writeAtRandom(task: TuneTask, seed: number): { abc: string; tokens: number[] } {
  const next = randomStream(seed);
  return writeBy(task, (allowed) => allowed[Math.floor(next() * allowed.length)]);
}

/** What a model writes that always prefers the same tokens. */
export const writeStubbornly = (task: TuneTask): { abc: string; tokens: number[] } =>
  writeBy(
    task,
    (allowed) => allowed.findLast((token) => /^[A-g]\d?$/.test(tokenizer.symbolOf(token) ?? '')) ?? allowed[0],
  );

function writeBy(
  task: TuneTask,
  choose: (allowed: readonly number[]) => number | undefined,
  most = 4000,
): { abc: string; tokens: number[] } {
  const constraint = new TuneConstraint(task.plan, table);
  const tokens: number[] = [];
  for (let n = 0; n < most; n++) {
    const allowed = allowedBy(constraint);
    const token = choose(allowed);
    if (token === undefined) throw new Error(`stuck after ${tokenizer.decode(tokens)}`);
    if (token === tokenizer.end) return { abc: task.header + tokenizer.decode(tokens), tokens };
    tokens.push(token);
    constraint.accept(token);
  }
  throw new Error('the tune does not end');
}

export function allowedBy(constraint: TuneConstraint): number[] {
  const mask = new Uint32Array(Math.ceil(tokenizer.vocab / 32)).fill(0xffffffff);
  constraint.mask(mask);
  return Array.from({ length: tokenizer.vocab }, (_, token) => token).filter(
    (token) => ((mask[token >> 5] ?? 0) >>> (token & 31)) & 1,
  );
}
