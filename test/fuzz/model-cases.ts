import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CadenzaError } from '../../src/lib/errors.ts';
import { randomStream } from '../../src/lib/random.ts';
import { ModelFileError } from '../../src/ml/compile/compile.ts';
import { compileInto } from '../../src/ml/compile/compile-model.ts';
import { openDecoder } from '../../src/ml/decoder/open-decoder.ts';
import { OrtError } from '../../src/ml/ort/library.ts';
import { openModelText } from '../../src/ml/text/model-text.ts';
import { families, writeGguf, writeSafetensors, writeSplitGguf } from '../support/tiny/tiny-checkpoint.ts';
import { writeExport } from '../support/tiny/tiny-export.ts';
import { writeTinyGguf } from '../support/tiny/tiny-gguf.ts';
import { below, mutate, type Mutated, mutateJson, pick } from './mutations.ts';

/** A model as it should be, and the file of it that is damaged. */
interface Subject {
  /** What is compiled: a file, or the folder of files. */
  source: string;
  /** Damaged, relative to the work folder. */
  files: readonly string[];
  /** Where structure ends and weights begin. */
  head: number;
}

const subjects: readonly Subject[] = [
  { source: 'tiny.gguf', files: ['tiny.gguf'], head: 6_000 },
  { source: 'tiny.gguf', files: ['tiny.gguf'], head: 6_000 },
  { source: 'one', files: ['one/model.safetensors'], head: 3_000 },
  { source: 'sharded', files: sharded(), head: 2_000 },
  { source: 'one', files: ['one/config.json'], head: 1_000 },
  { source: 'gemma3', files: ['gemma3/config.json', 'gemma3/model.safetensors'], head: 4_000 },
  { source: 'phi3.gguf', files: ['phi3.gguf'], head: 7_000 },
  { source: 'one', files: textFiles(), head: 12_000 },
  { source: 'templated', files: ['templated/chat_template.jinja', 'templated/tokenizer.json'], head: 600 },
  { source: 'pieces.gguf', files: ['pieces.gguf'], head: 9_000 },
  { source: 'pieces', files: ['pieces/tokenizer.json'], head: 9_000 },
  { source: 'split', files: ['split/model-00001-of-00002.gguf', 'split/model-00002-of-00002.gguf'], head: 3_000 },
  { source: 'export', files: ['export/model.onnx'], head: 20_000 },
  { source: 'export', files: ['export/model.onnx', 'export/config.json', 'export/model.onnx_data'], head: 20_000 },
];

function sharded(): string[] {
  return ['model.safetensors.index.json', 'model-00002-of-00002.safetensors', 'config.json'].map(
    (file) => `sharded/${file}`,
  );
}

function textFiles(): string[] {
  return ['tokenizer.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'].map(
    (file) => `one/${file}`,
  );
}

/** All that a template is tried for: what it is given, a refusal, marks before and after. */
const template = `{%- set date = strftime_now('%d %B %Y') -%}
{%- for m in messages %}
{%- if m.role == 'system' and loop.index0 > 0 %}{{ raise_exception('The system speaks first') }}{% endif %}
{{- '<|im_start|>' + m['role'] + '\\n' + m['content'] | trim + '<|im_end|>\\n' }}
{%- endfor %}
{%- if tools is not none and tools %}{{ tools | tojson }}{% endif %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`;

/** The graph's file is all structure then: weights beside it, short tables of rotation. */
const exportOptions = { file: 'model.onnx', external: true };

/** The tiny vocabulary as SentencePiece's: a byte for each of its bytes. */
const pieces = Array.from({ length: 263 }, (_, id) => {
  if (id < 3) return ['<|endoftext|>', '<|im_start|>', '<|im_end|>'][id]!;
  const byte = id - 3;
  return byte < 256 ? `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>` : '\u2581thel'.slice(0, byte - 254);
});

const pieceHeader = {
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': pieces,
  'tokenizer.ggml.scores': Int32Array.from(pieces, (_, id) => -id),
  'tokenizer.ggml.token_type': Int32Array.from(pieces, (_, id) => (id < 3 ? 3 : id < 259 ? 6 : 1)),
};

async function writePieces(folder: string): Promise<void> {
  const path = join(folder, 'tokenizer.json');
  const json = JSON.parse(await readFile(path, 'utf8')) as { added_tokens: object[] };
  const vocab = pieces.map((piece, id) => [piece, -id]);
  const model = { type: 'Unigram', unk_id: 0, byte_fallback: true, vocab };
  const pre_tokenizer = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always', split: false };
  await writeFile(path, JSON.stringify({ ...json, normalizer: null, pre_tokenizer, model }));
}

/** Writes the whole models that the cases damage. */
export async function prepareSubjects(work: string): Promise<void> {
  const { config } = families.qwen3!;
  await writeTinyGguf(join(work, 'pieces.gguf'), { metadata: pieceHeader });
  await writeSafetensors(join(work, 'pieces'), config, { type: 'BF16' });
  await writePieces(join(work, 'pieces'));
  await writeSplitGguf(join(work, 'split'), families.llama!.config, 2);
  await writeTinyGguf(join(work, 'tiny.gguf'));
  await writeSafetensors(join(work, 'one'), config, { type: 'BF16' });
  await writeSafetensors(join(work, 'templated'), config, { type: 'BF16' });
  await writeFile(join(work, 'templated', 'chat_template.jinja'), template);
  await writeExport(join(work, 'export'), { ...families.llama!.config, max_position_embeddings: 16 }, exportOptions);
  await writeSafetensors(join(work, 'gemma3'), families.gemma3!.config, { type: 'BF16' });
  await writeGguf(join(work, 'phi3.gguf'), families['phi3-longrope']!.config);
  await writeSafetensors(join(work, 'sharded'), families.llama3!.config, { shards: 2 });
}

export interface Outcome {
  /** The case in words: enough to see what it was; `seed` and `index` make it again. */
  what: string;
  /** `loaded`, the name of a typed error, or what must not be. */
  result: string;
  isTyped: boolean;
}

/** Damages one file, opens the model in every way that the server would, and puts the file back. */
export async function runCase(work: string, seed: number, index: number): Promise<Outcome> {
  const random = randomStream(seed * 1_000_003 + index);
  const { source, files, head } = subjects[index % subjects.length]!;
  const file = pick(files, random);
  const path = join(work, file);
  const good = await readFile(path);
  const { how, bytes } = damage(file, good, head, random);
  await writeFile(path, bytes);
  try {
    return { what: `${file}: ${how}`, ...(await open(work, join(work, source), random)) };
  } finally {
    await writeFile(path, good);
  }
}

function damage(file: string, good: Buffer, head: number, random: () => number): Mutated {
  if (file.endsWith('.json') && random() < 0.7) return mutateJson(good.toString(), random);
  return mutate(good, head, random);
}

async function open(work: string, source: string, random: () => number): Promise<Omit<Outcome, 'what'>> {
  const folder = join(work, 'compiled');
  await rm(folder, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const target = { device: 'cpu' as const, weights: pick(['int8', 'int4', 'float'] as const, random) };
  try {
    const { tokenizer, chat } = await openModelText(source);
    tokenizer.encode('hello, the 2024 world 夜 🎵 <|im_end|>');
    chat.encode([{ role: 'user', content: 'hello' }], false);
    chat.encode(
      [
        { role: 'system', content: '<|im_end|>' },
        { role: 'assistant', content: 'hello' },
      ],
      true,
    );
    const folders = { temporary: `${folder}.tmp`, final: folder };
    const shape = await compileInto({ source, target, folders }, () => undefined);
    const graphPath = shape.exported ? join(source, shape.exported.file) : join(folder, 'decoder.onnx');
    await using decoder = await openDecoder({ model: { graphPath, shape }, threads: 1, slots: 1, capacity: 16 });
    await decoder.prefill(0, [below(200, random), 7, 5], 0);
    await decoder.decode([{ slot: 0, token: 9, position: 3 }]);
    return { result: 'loaded', isTyped: true };
  } catch (error) {
    const isTyped = error instanceof ModelFileError || error instanceof OrtError || error instanceof CadenzaError;
    if (isTyped) return { result: error.name, isTyped };
    return { result: error instanceof Error ? (error.stack ?? error.message) : String(error), isTyped };
  }
}
