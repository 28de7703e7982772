import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPeers } from './engine/peers.ts';
import { median } from './support/statistics.ts';

/** What one side measured: for each way of using it, sentences a second, and the memory of its process. */
interface EncoderSide {
  sentencesPerSecond: Record<string, number>;
  peakRssMb: number;
}

/**
 * Sentences a second through one encoder with the same weights, here and in transformers.js. It pads a batch to its longest
 * sentence, so it is measured alone, in batches as they come, and in batches of sentences sorted by length; its best
 * counts. The sides take turns, each time in a process of its own.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const options = {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    'data-dir': { type: 'string', default: '.cadenza' },
  } as const;
  const { values } = parseArgs({ args, options });
  installPeers();
  const files = resolve(values['data-dir'], 'models', 'all-minilm-l6-v2', 'files');
  const work = { threads: Number(values.threads), sentences: sentences(), dataDir: resolve(values['data-dir']) };
  const theirs: EncoderSide[] = [];
  const ours: EncoderSide[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(await inChild('peers/cadenza-encoder.ts', work));
    theirs.push(await inChild('peers/transformers-js-encoder.mjs', { ...work, folder: layOut(files) }));
    console.error(JSON.stringify({ round, ours: ours.at(-1), transformers: theirs.at(-1) }));
  }
  const bestOf = ({ sentencesPerSecond }: EncoderSide) => Math.max(...Object.values(sentencesPerSecond));
  return {
    sentences_per_s_vs_transformers: median(ours.map((side, i) => bestOf(side) / bestOf(theirs[i] ?? side))),
    sentences_per_s: median(ours.map(bestOf)),
    transformers_sentences_per_s: median(theirs.map(bestOf)),
    peak_rss_mb: median(ours.map(({ peakRssMb }) => peakRssMb)),
    transformers_peak_rss_mb: median(theirs.map(({ peakRssMb }) => peakRssMb)),
  };
}

/** Those of this repository's documents: of all lengths up to 60 words. */
function sentences(): string[] {
  const text = ['SPEC.md', 'docs/operating.md', 'docs/limits.md', 'docs/life-of-a-score.md']
    .map((path) => readFileSync(path, 'utf8').replace(/```[^]*?```/g, ''))
    .join('\n');
  const found = text.split(/(?<=[.:!?])\s+|\n\s*\n/).map((one) => one.replace(/\s+/g, ' ').trim());
  return [...new Set(found)].filter((one) => one.length > 10).slice(0, 500);
}

/** The same files in the layout of transformers.js. */
function layOut(files: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cadenza-bench-'));
  const model = join(folder, 'encoder');
  mkdirSync(join(model, 'onnx'), { recursive: true });
  copyFileSync(join(files, 'model.onnx'), join(model, 'onnx', 'model.onnx'));
  copyFileSync(join(files, 'tokenizer.json'), join(model, 'tokenizer.json'));
  const config = { model_type: 'bert', architectures: ['BertModel'], hidden_size: 384, num_hidden_layers: 6 };
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, num_attention_heads: 12, vocab_size: 30_522 }));
  const tokenizer = { tokenizer_class: 'BertTokenizer', model_max_length: 128, pad_token: '[PAD]' };
  writeFileSync(join(model, 'tokenizer_config.json'), JSON.stringify(tokenizer));
  return folder;
}

async function inChild(file: string, work: object): Promise<EncoderSide> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done, reject) => child.once('error', reject).once('close', done));
  child.stdin.end(JSON.stringify(work));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  if ((await ended) !== 0) throw new Error(`${file} failed`);
  return JSON.parse(output) as EncoderSide;
}
