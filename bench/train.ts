import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './support/statistics.ts';

/** Sizes of a decoder and of a step: 2.8 million parameters, 4096 tokens. */
const WORK = {
  ...{ vocabulary: 669, hidden: 192, layers: 6, heads: 4, feedForward: 512, rows: 16, length: 256 },
  ...{ warmup: 3, steps: 12 },
};

interface Side {
  /** Of the median step. */
  tokensPerSecond: number;
  /** Of all steps, by the CPU time of the process. */
  tokensPerCpuSecond: number;
  /** Of the last step, to see that both learn. */
  loss: number;
}

/**
 * Training steps of one decoder on the same tokens, here and in PyTorch: forwards, cross-entropy, backwards, clipping and
 * AdamW, in fp32. The sides take turns, each time in a process of its own.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const options = {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: 'python3' },
  } as const;
  const { values } = parseArgs({ args, options });
  const work = JSON.stringify({ ...WORK, threads: Number(values.threads) });
  const ours: Side[] = [];
  const theirs: Side[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(await inChild(process.execPath, ['--import', 'tsx', pathOf('train-process.ts'), work]));
    theirs.push(await inChild(values.python, [pathOf('peers/train-torch.py'), work]));
    console.error(JSON.stringify({ round, ours: ours.at(-1), torch: theirs.at(-1) }));
  }
  const middle = (sides: readonly Side[], figure: keyof Side) => median(sides.map((side) => side[figure]));
  const ratio = (figure: keyof Side) => median(ours.map((side, i) => side[figure] / (theirs[i]?.[figure] ?? NaN)));
  return {
    tokens_per_s_vs_torch: ratio('tokensPerSecond'),
    tokens_per_cpu_s_vs_torch: ratio('tokensPerCpuSecond'),
    tokens_per_s: middle(ours, 'tokensPerSecond'),
    torch_tokens_per_s: middle(theirs, 'tokensPerSecond'),
    loss: middle(ours, 'loss'),
    torch_loss: middle(theirs, 'loss'),
  };
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

async function inChild(program: string, args: string[]): Promise<Side> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await ended;
  if (code !== 0) throw new Error(`${program} ended with ${code}; the peer needs: pip install torch (--python PATH)`);
  return JSON.parse(output) as Side;
}
