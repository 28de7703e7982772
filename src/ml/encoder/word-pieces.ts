import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ModelFileError, readJsonFile } from '../compile/compile.ts';

/** A word, a punctuation mark or an ideograph of a text. */
export interface Word {
  /** Its range in UTF-16 units. */
  from: number;
  to: number;
  /** Its tokens. */
  ids: readonly number[];
}

/** Texts are cut before these: BERT's pre-tokenizer does so too, and what stands between them never depends on others. */
const IDEOGRAPHS =
  '\\u4E00-\\u9FFF\\u3400-\\u4DBF\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2CEAF}\\uF900-\\uFAFF\\u{2F800}-\\u{2FA1F}';
const MARKS = '!-\\/:-@\\[-`{-~\\p{P}';
const SPACES = '\\t\\n\\r\\p{Z}';
const PART = new RegExp(`[${IDEOGRAPHS}${MARKS}]|[^${SPACES}${IDEOGRAPHS}${MARKS}]+`, 'gu');

/** Number of words whose tokens are remembered. */
const REMEMBERED = 20_000;

const id = z.int().nonnegative();
const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.literal('WordPiece', { error: 'only WordPiece is supported' }),
    vocab: z.record(z.string(), id),
  }),
});

/** The tokenizer of BERT and its descendants. */
export class WordPieces {
  /** The marks at the beginning and end of a sequence. */
  readonly begin: number;
  readonly end: number;
  readonly #tokenizer: Tokenizer;
  readonly #known = new LRUCache<string, readonly number[]>({ max: REMEMBERED });

  private constructor(json: z.output<typeof tokenizerSchema>) {
    const idOf = (mark: string) => {
      const found = json.model.vocab[mark];
      if (found === undefined) throw new ModelFileError(`tokenizer.json has no token ${mark}`);
      return found;
    };
    this.begin = idOf('[CLS]');
    this.end = idOf('[SEP]');
    try {
      // Marks that a person has typed are text.
      this.#tokenizer = new Tokenizer({ ...json, added_tokens: [] }, {});
    } catch (error) {
      throw new ModelFileError(
        `the tokenizer cannot be built: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  /** @throws ModelFileError if the folder's `tokenizer.json` is missing, damaged or of another kind */
  static async read(folder: string): Promise<WordPieces> {
    return new WordPieces(await readJsonFile(join(folder, 'tokenizer.json'), tokenizerSchema));
  }

  /** The words of a text that have tokens, in order. */
  split(text: string): Word[] {
    const words: Word[] = [];
    for (const { 0: part, index } of text.matchAll(PART)) {
      const ids = this.#idsOf(part);
      if (ids.length > 0) words.push({ from: index, to: index + part.length, ids });
    }
    return words;
  }

  #idsOf(part: string): readonly number[] {
    const known = this.#known.get(part);
    if (known) return known;
    const { ids } = this.#tokenizer.encode(part, { add_special_tokens: false });
    this.#known.set(part, ids);
    return ids;
  }
}
