import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomStream } from '../../../src/lib/random.ts';
import { GraphBuilder } from '../../../src/ml/compile/onnx/graph-builder.ts';

export const TINY_ENCODER = 'tiny-encoder';
export const TINY_WIDTH = 24;

const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
const words = ['the', 'sad', 'happy', 'rain', 'love', 'hate', 'i', 'you', 'am', 'song', '雨', '天'];
const marks = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const tokens = [...marks, ...Array.from('.,!?-\'"#@[]'), ...letters, ...letters.map((one) => `##${one}`), ...words];
const vocabulary = [...new Set(tokens)];

/** The form of a `tokenizer.json` for BERT without capitals. */
const tokenizer = {
  version: '1.0',
  added_tokens: marks.map((content) => ({ id: vocabulary.indexOf(content), content, special: true })),
  normalizer: {
    ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
    ...{ strip_accents: null, lowercase: true },
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
};

/** Writes an encoder with an embedding and one layer, of random weights, in the form of an exported BERT. */
export async function writeTinyEncoder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'model.onnx'), tinyGraph());
  return folder;
}

function tinyGraph(): Buffer {
  const graph = new GraphBuilder('');
  const random = randomStream(5);
  const weights = (name: string, ...dims: number[]) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    graph.constant(
      name,
      'float32',
      dims,
      Float32Array.from({ length: size }, () => random() - 0.5),
    );
    return name;
  };
  for (const name of ['input_ids', 'attention_mask', 'token_type_ids'])
    graph.input({ name, type: 'int64', dims: ['batch', 'sequence'] });
  graph.output({ name: 'last_hidden_state', type: 'float32', dims: ['batch', 'sequence', TINY_WIDTH] });
  const norm = (input: string, output: string) =>
    graph.node('LayerNormalization', [input, weights(`${output}.gain`, TINY_WIDTH)], [output], { axis: -1 });
  graph.node('Gather', [weights('table', vocabulary.length, TINY_WIDTH), 'input_ids'], ['embedded'], { axis: 0 });
  norm('embedded', 'layer.0');
  graph.node('Transpose', ['layer.0'], ['keys'], { perm: { ints: [0, 2, 1] } });
  graph.node('MatMul', ['layer.0', 'keys'], ['scores']);
  graph.node('Softmax', ['scores'], ['shares'], { axis: -1 });
  graph.node('MatMul', ['shares', 'layer.0'], ['seen']);
  graph.node('Add', ['layer.0', 'seen'], ['attended']);
  norm('attended', 'between');
  graph.node('MatMul', ['between', weights('up', TINY_WIDTH, 2 * TINY_WIDTH)], ['wide']);
  graph.node('Relu', ['wide'], ['active']);
  graph.node('MatMul', ['active', weights('down', 2 * TINY_WIDTH, TINY_WIDTH)], ['narrow']);
  graph.node('Add', ['between', 'narrow'], ['added']);
  norm('added', 'last_hidden_state');
  return graph.encode();
}
