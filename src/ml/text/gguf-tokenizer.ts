import type { GgufMetadata } from '../compile/checkpoint/gguf.ts';
import { ModelFileError } from '../compile/compile.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';
import type { TokenizerDescription, TokenizerJson, TokenKind } from './tokenizer.ts';

const PRE = 'tokenizer.ggml.pre';
/** Token types of GGUF. */
const kinds: Readonly<Record<number, TokenKind>> = { 3: 'control', 4: 'added', 5: 'unused' };

/**
 * Reads the tokenizer of a GGUF file: byte-level BPE (`tokenizer.ggml.model` "gpt2").
 * @throws ModelFileError if the file lacks a part or its kind is not supported
 */
export function readGgufTokenizer(file: GgufMetadata): TokenizerDescription {
  const model = file.string('tokenizer.ggml.model');
  if (model !== 'gpt2')
    throw new ModelFileError(
      `the model’s tokenizer is "${model}"; only byte-level BPE ("gpt2") is supported: use a model that has it, such as Llama 3, Qwen or SmolLM`,
    );
  const types = file.numbers('tokenizer.ggml.token_type');
  const tokens = file
    .strings('tokenizer.ggml.tokens')
    .map((text, id) => ({ text, kind: kinds[types[id] ?? 1] ?? ('text' as const) }));
  const special = (name: string) => optionalId(file, `tokenizer.ggml.${name}_token_id`);
  const [bos, eot] = [special('bos'), special('eot')];
  return {
    json: tokenizerJson(file, tokens),
    tokens,
    bos: bos === null ? null : { id: bos, add: addsBos(file) },
    eos: special('eos'),
    ends: eot === null ? [] : [eot],
  };
}

/** The corresponding `tokenizer.json` of the Hugging Face format. */
function tokenizerJson(file: GgufMetadata, tokens: TokenizerDescription['tokens']): TokenizerJson {
  const { normalizer, preTokenizer, ignoreMerges } = preTokenizerOf(preTokenizerName(file));
  const added = tokens.flatMap(({ text: content, kind }, id) =>
    kind === 'control' || kind === 'added' ? [{ id, content, special: kind === 'control', normalized: false }] : [],
  );
  return {
    added_tokens: added,
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(tokens.map(({ text }, id) => [text, id])),
      merges: file.strings('tokenizer.ggml.merges'),
      unk_token: tokens[optionalId(file, 'tokenizer.ggml.unknown_token_id') ?? -1]?.text ?? null,
      ignore_merges: ignoreMerges,
    },
  };
}

function preTokenizerName(file: GgufMetadata): string {
  if (file.has(PRE)) return file.string(PRE);
  throw new ModelFileError(
    `the file does not name its pre-tokenizer (${PRE}) because an old converter made it; use a newer file of the model`,
  );
}

function optionalId(file: GgufMetadata, key: string): number | null {
  return file.has(key) ? file.number(key) : null;
}

function addsBos(file: GgufMetadata): boolean {
  return file.has('tokenizer.ggml.add_bos_token') && file.boolean('tokenizer.ggml.add_bos_token');
}
