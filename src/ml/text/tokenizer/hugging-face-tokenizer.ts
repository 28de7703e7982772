import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelFileError, readJsonFile } from '../../compile/compile.ts';
import { byteOf, SPACE } from './sentence-piece.ts';
import type { TokenizerDescription, TokenKind } from './tokenizer.ts';

/** Maximum number of unused ids. Some vocabularies are padded to a round number, but not by more. */
const MAX_HOLES = 65_536;

const id = z.int().nonnegative();
const addedToken = z.looseObject({ id, content: z.string(), special: z.boolean().default(false) });
/** The library reads the rest of a BPE. */
const tokenizerSchema = z.looseObject({
  model: z.discriminatedUnion(
    'type',
    [
      z.looseObject({
        type: z.literal('BPE'),
        vocab: z.record(z.string(), id),
        byte_fallback: z.boolean().nullish(),
        unk_token: z.string().nullish(),
      }),
      z.looseObject({
        type: z.literal('Unigram'),
        vocab: z.array(z.tuple([z.string(), z.number()])),
        unk_id: id.nullish(),
        byte_fallback: z.boolean().nullish(),
      }),
    ],
    { error: 'only BPE and Unigram are supported' },
  ),
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
});
type TokenizerFile = z.output<typeof tokenizerSchema>;
const mark = z.union([z.string(), z.looseObject({ content: z.string() }), z.null()]).optional();
const configSchema = z.looseObject({ bos_token: mark, eos_token: mark });
const ends = z.union([id, z.array(id), z.null()]).optional();
const modelSchema = z.looseObject({ vocab_size: z.int().positive().optional(), eos_token_id: ends });
const generationSchema = z.looseObject({ eos_token_id: ends });

/**
 * Reads the tokenizer of a folder with `tokenizer.json` and, if they exist, `tokenizer_config.json` (the marks at the
 * beginning and end of a text), `config.json` and `generation_config.json` (the tokens that end an answer).
 * @throws ModelFileError if a file lacks a part or its kind is not supported
 */
export async function readFolderTokenizer(folder: string): Promise<TokenizerDescription> {
  const json = await readJsonFile(join(folder, 'tokenizer.json'), tokenizerSchema);
  const isByteLevel = JSON.stringify(json.pre_tokenizer ?? null).includes('"ByteLevel"');
  const tokens = listTokens(json, isByteLevel);
  const model = await readOptional(join(folder, 'config.json'), modelSchema);
  const { vocab_size: embedded = tokens.length } = model;
  if (tokens.length > embedded)
    throw new ModelFileError(`only ${embedded} of ${tokens.length} tokens have an embedding`);
  const config = await readOptional(join(folder, 'tokenizer_config.json'), configSchema);
  const generation = await readOptional(join(folder, 'generation_config.json'), generationSchema);
  const find = (value: z.output<typeof mark>) => {
    const text = typeof value === 'object' ? value?.content : value;
    const found = tokens.findIndex((token) => token.text === text);
    return found === -1 ? null : found;
  };
  const bos = find(config.bos_token);
  return {
    encoder: encoderOf(json, isByteLevel),
    isByteLevel,
    tokens,
    // A chat template of this format writes the first mark itself.
    bos: bos === null ? null : { id: bos, add: false },
    eos: find(config.eos_token),
    ends: [model.eos_token_id ?? [], generation.eos_token_id ?? []].flat(),
  };
}

/** @throws ModelFileError for a kind that would be silently wrong */
function encoderOf(json: TokenizerFile, isByteLevel: boolean): TokenizerDescription['encoder'] {
  const { model, normalizer, pre_tokenizer } = json;
  if (isByteLevel && model.type === 'BPE') return json;
  if (!JSON.stringify([normalizer, pre_tokenizer]).includes(SPACE))
    throw new ModelFileError('tokenizer.json: only byte-level BPE and SentencePiece are supported');
  if (model.type === 'BPE') return json;
  const parts = typesOf(normalizer).concat(typesOf(pre_tokenizer));
  const other = parts.find(({ type }) => !PIECE_PARTS.includes(type));
  if (other) throw new ModelFileError(`tokenizer.json: Unigram with ${other.type} is not supported`);
  const schemes = parts.flatMap(({ type, prepend_scheme: scheme = 'always' }) =>
    type === 'Metaspace' ? [scheme] : [],
  );
  if (schemes.includes('first')) throw new ModelFileError('tokenizer.json: prepend_scheme "first" is not supported');
  const scores = model.vocab.map(([, score]) => score);
  return {
    kind: 'unigram',
    scores,
    unknown: model.unk_id ?? null,
    spaced: schemes.includes('always') ? 'bare' : 'none',
  };
}

/** What a Unigram tokenizer may have besides its pieces, since nothing else is computed. */
const PIECE_PARTS: readonly string[] = ['Sequence', 'Metaspace'];

const partSchema = z.looseObject({
  type: z.string(),
  prepend_scheme: z.string().optional(),
  pretokenizers: z.array(z.unknown()).optional(),
  normalizers: z.array(z.unknown()).optional(),
});

/** A part of a `tokenizer.json`, and those within it. */
function typesOf(part: unknown): z.output<typeof partSchema>[] {
  if (part === null || part === undefined) return [];
  const parsed = partSchema.safeParse(part);
  if (!parsed.success) throw new ModelFileError('tokenizer.json: a part has no type');
  const { pretokenizers = [], normalizers = [] } = parsed.data;
  return [parsed.data, ...[...pretokenizers, ...normalizers].flatMap(typesOf)];
}

function listTokens({ model, added_tokens }: TokenizerFile, isByteLevel: boolean) {
  const tokens: { text: string; kind: TokenKind }[] = [];
  const vocabulary: [string, number][] =
    model.type === 'BPE' ? Object.entries(model.vocab) : model.vocab.map(([text], at) => [text, at]);
  const most = vocabulary.length + added_tokens.length + MAX_HOLES;
  const put = (at: number, text: string, kind: TokenKind) => {
    if (at >= most) throw new ModelFileError(`tokenizer.json: the token id ${at} is implausibly large`);
    while (tokens.length < at) tokens.push({ text: '', kind: 'unused' });
    tokens[at] = { text, kind };
  };
  const isByte = (text: string) => !isByteLevel && model.byte_fallback === true && byteOf(text) !== null;
  for (const [text, at] of vocabulary) put(at, text, isByte(text) ? 'byte' : 'text');
  for (const { id: at, content, special } of added_tokens) put(at, content, special ? 'control' : 'added');
  if (tokens.length === 0) throw new ModelFileError('tokenizer.json has no tokens');
  return tokens;
}

/** An optional file. If it does not exist, the result is an empty object. */
async function readOptional<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  return (await stat(path).catch(() => null)) ? readJsonFile(path, schema) : schema.parse({});
}
