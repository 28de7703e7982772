import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelFileError, readJsonFile } from '../compile/compile.ts';
import type { TokenizerDescription, TokenKind } from './tokenizer.ts';

/** Maximum number of unused ids. Some vocabularies are padded to a round number, but not by more. */
const MAX_HOLES = 65_536;

const id = z.int().nonnegative();
const addedToken = z.looseObject({ id, content: z.string(), special: z.boolean().default(false) });
/** The library reads the rest. */
const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.literal('BPE', { error: 'only byte-level BPE is supported' }),
    vocab: z.record(z.string(), id),
  }),
  added_tokens: z.array(addedToken).default([]),
  pre_tokenizer: z.unknown(),
});
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
  if (!JSON.stringify(json.pre_tokenizer ?? null).includes('"ByteLevel"'))
    throw new ModelFileError('tokenizer.json: only byte-level BPE is supported');
  const tokens = listTokens(json);
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
    json,
    tokens,
    // A chat template of this format writes the first mark itself.
    bos: bos === null ? null : { id: bos, add: false },
    eos: find(config.eos_token),
    ends: [model.eos_token_id ?? [], generation.eos_token_id ?? []].flat(),
  };
}

function listTokens({ model, added_tokens }: z.output<typeof tokenizerSchema>) {
  const tokens: { text: string; kind: TokenKind }[] = [];
  const most = Object.keys(model.vocab).length + added_tokens.length + MAX_HOLES;
  const put = (at: number, text: string, kind: TokenKind) => {
    if (at >= most) throw new ModelFileError(`tokenizer.json: the token id ${at} is implausibly large`);
    while (tokens.length < at) tokens.push({ text: '', kind: 'unused' });
    tokens[at] = { text, kind };
  };
  for (const [text, at] of Object.entries(model.vocab)) put(at, text, 'text');
  for (const { id: at, content, special } of added_tokens) put(at, content, special ? 'control' : 'added');
  if (tokens.length === 0) throw new ModelFileError('tokenizer.json has no tokens');
  return tokens;
}

/** An optional file. If it does not exist, the result is an empty object. */
async function readOptional<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  return (await stat(path).catch(() => null)) ? readJsonFile(path, schema) : schema.parse({});
}
