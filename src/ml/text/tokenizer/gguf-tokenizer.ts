import type { GgufMetadata } from '../../compile/checkpoint/gguf/gguf.ts';
import { ModelFileError } from '../../compile/compile.ts';
import { preTokenizerOf } from './pre-tokenizers.ts';
import type { PieceModel } from './sentence-piece.ts';
import type { TokenizerDescription, TokenizerJson, TokenKind } from './tokenizer.ts';

const PRE = 'tokenizer.ggml.pre';
/** Token types of GGUF. */
const kinds: Readonly<Record<number, TokenKind>> = { 3: 'control', 4: 'added', 5: 'unused' };

/**
 * Reads the tokenizer of a GGUF file: byte-level BPE (`tokenizer.ggml.model` "gpt2"), or SentencePiece's BPE ("llama") or
 * Unigram ("t5").
 * @throws ModelFileError if the file lacks a part or its kind is not supported
 */
export function readGgufTokenizer(file: GgufMetadata): TokenizerDescription {
  const model = file.string('tokenizer.ggml.model');
  if (model !== 'gpt2' && model !== 'llama' && model !== 't5')
    throw new ModelFileError(
      `the model’s tokenizer is "${model}"; supported are byte-level BPE ("gpt2") and SentencePiece ("llama", "t5")`,
    );
  const isByteLevel = model === 'gpt2';
  const types = file.numbers('tokenizer.ggml.token_type');
  const kindOf = (id: number): TokenKind => kinds[types[id] ?? 1] ?? (isByteLevel ? 'text' : pieceKind(types[id]));
  const tokens = file.strings('tokenizer.ggml.tokens').map((text, id) => ({ text, kind: kindOf(id) }));
  const special = (name: string) => optionalId(file, `tokenizer.ggml.${name}_token_id`);
  const [bos, eot] = [special('bos'), special('eot')];
  return {
    encoder: isByteLevel ? tokenizerJson(file, tokens) : pieceModel(file, model === 't5' ? 'unigram' : 'bpe'),
    isByteLevel,
    tokens,
    bos: bos === null ? null : { id: bos, add: flag(file, 'add_bos_token', model === 'llama') },
    eos: special('eos'),
    ends: eot === null ? [] : [eot],
  };
}

/** The unknown token is no text, and one byte is not what it spells. */
function pieceKind(type: number | undefined): TokenKind {
  return type === 2 ? 'unused' : type === 6 ? 'byte' : 'text';
}

function pieceModel(file: GgufMetadata, kind: PieceModel['kind']): PieceModel {
  const scores = file.numbers('tokenizer.ggml.scores');
  const tokens = file.strings('tokenizer.ggml.tokens').length;
  if (scores.length !== tokens) throw new ModelFileError(`there are ${scores.length} scores for ${tokens} tokens`);
  const unknown = optionalId(file, 'tokenizer.ggml.unknown_token_id');
  return { kind, scores, unknown, spaced: flag(file, 'add_space_prefix', true) ? 'all' : 'none' };
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

function flag(file: GgufMetadata, name: string, otherwise: boolean): boolean {
  const key = `tokenizer.ggml.${name}`;
  return file.has(key) ? file.boolean(key) : otherwise;
}
