import { join } from 'node:path';
import { z } from 'zod';
import { type AbcTokenizer, createAbcTokenizer } from '../../tunes/tunes.ts';
import { ModelFileError, readJsonFile } from '../compile/compile.ts';
import type { ChatMessage } from '../contract.ts';
import type { ChatFormat } from './chat-format.ts';
import { packTokenBytes } from './tokenizer/token-bytes.ts';
import type { Tokenizer } from './tokenizer/tokenizer.ts';

/** A model of tunes has this file in place of a tokenizer and a chat template. */
export const VOCABULARY_FILE = 'vocabulary.json';

const vocabularySchema = z.object({ symbols: z.array(z.string().min(1)).min(1).max(65_536) });
const shapeSchema = z.looseObject({ vocab_size: z.int().positive() });

/**
 * Opens the text of a model of tunes: symbols of ABC, and as messages the fields of a tune and its music so far.
 * @param folder a checkpoint with `vocabulary.json`, as `npm run train -- tunes` writes it
 * @throws ModelFileError
 */
export async function readAbcText(folder: string): Promise<{ tokenizer: Tokenizer; chat: ChatFormat }> {
  const { symbols } = await readJsonFile(join(folder, VOCABULARY_FILE), vocabularySchema);
  const { vocab_size: embedded } = await readJsonFile(join(folder, 'config.json'), shapeSchema);
  if (new Set(symbols).size < symbols.length) throw new ModelFileError(`${VOCABULARY_FILE} lists a symbol twice`);
  const abc = createAbcTokenizer(symbols);
  if (abc.vocab > embedded) throw new ModelFileError(`only ${embedded} of ${abc.vocab} tokens have an embedding`);
  return { tokenizer: tokenizerOf(abc), chat: chatOf(abc) };
}

/** Penalties apply to no token: a tune has few notes, and comes back to them. */
function tokenizerOf(abc: AbcTokenizer): Tokenizer {
  const ids = Array.from({ length: abc.vocab }, (_, id) => id);
  return {
    vocab: abc.vocab,
    leadsWithSpace: false,
    bos: null,
    eosText: '',
    ends: new Set([abc.end]),
    controls: new Map(),
    exempt: new Set(ids),
    encode: (text) => abc.encode(text),
    tokenBytes: packTokenBytes(ids.map((id) => abc.bytesOf(id))),
    bytesOf: (id) => abc.bytesOf(id),
  };
}

function chatOf(abc: AbcTokenizer): ChatFormat {
  return {
    encode: ([fields, ...music]: readonly ChatMessage[]) => [
      abc.start,
      ...abc.encode(knownLines(fields?.content ?? '', abc)),
      ...music.flatMap(({ content }) => abc.encode(content)),
    ],
    encodeText: (text) => abc.encode(text),
  };
}

/** A field that the model has not learned tells it nothing, and spelled in bytes it would mislead it. */
function knownLines(fields: string, abc: AbcTokenizer): string {
  const lines = fields.split('\n').filter((line) => abc.tokenOf(line) !== null);
  return lines.map((line) => `${line}\n`).join('');
}
