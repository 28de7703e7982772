import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidInputError } from '../../lib/errors.ts';
import { findGguf, ModelFileError, readGgufMetadata, readJsonFile } from '../compile/compile.ts';
import { readAbcText, VOCABULARY_FILE } from './abc-text.ts';
import { type ChatFormat, createChatFormat } from './chat-format.ts';
import { openChatTemplate } from './chat-template.ts';
import { createMarkedTokenizer } from './template-marks.ts';
import { readGgufTokenizer } from './tokenizer/gguf-tokenizer.ts';
import { readFolderTokenizer } from './tokenizer/hugging-face-tokenizer.ts';
import { bytesOfTokens, type Tokenizer, type TokenizerDescription } from './tokenizer/tokenizer.ts';

/** Turns a model's text into tokens, and messages into a prompt. */
export interface ModelText {
  tokenizer: Tokenizer;
  chat: ChatFormat;
}

const TEMPLATE_KEY = 'tokenizer.chat_template';
const TEMPLATE_FILE = 'chat_template.jinja';
const CONFIG_FILE = 'tokenizer_config.json';
const USE_CHAT = 'take a file of a model that was trained to follow instructions, or a folder with one';
/** Maximum size of a chat template. */
const MAX_TEMPLATE_BYTES = 1024 * 1024;

/**
 * Opens tokenizer and chat format, and tries them out: it renders a prompt, and encodes and decodes a text.
 * @param path a GGUF file, or a folder in Hugging Face's layout
 * A model of tunes has a vocabulary of ABC instead.
 * @throws ModelFileError if a part is missing, corrupt or of an unsupported kind
 */
export async function openModelText(path: string): Promise<ModelText> {
  const isFolder = (await stat(path)).isDirectory();
  if (isFolder && (await stat(join(path, VOCABULARY_FILE)).catch(() => null))) return readAbcText(path);
  const gguf = await findGguf(path);
  const { template, description } = gguf === null ? await readFolder(path) : await readGguf(gguf);
  const textOf = (id: number | null | undefined) => description.tokens[id ?? -1]?.text ?? '';
  const format = openChatTemplate(template, { bos: textOf(description.bos?.id), eos: textOf(description.eos) });
  const tokenizer = createMarkedTokenizer(description, format);
  const chat = createChatFormat(format, tokenizer);
  tryOut(tokenizer, chat);
  return { tokenizer, chat };
}

interface Described {
  template: string;
  description: TokenizerDescription;
}

async function readGguf(path: string): Promise<Described> {
  const metadata = await readGgufMetadata(path);
  const description = readGgufTokenizer(metadata);
  if (!metadata.has(TEMPLATE_KEY)) throw new ModelFileError(`there is no chat template (${TEMPLATE_KEY}): ${USE_CHAT}`);
  return { template: metadata.string(TEMPLATE_KEY), description };
}

async function readFolder(folder: string): Promise<Described> {
  const description = await readFolderTokenizer(folder);
  return { template: await readTemplate(folder), description };
}

/** A text with what tokenizers get wrong: letters of two to four bytes, digits, contractions, runs of spaces. */
const PROBE = "Hello, World! It’s 1984; don't été 夜 🎵\n\n\tthe  end.";

/** @throws ModelFileError if a conversation cannot be encoded, or a text is changed by encoding and decoding */
function tryOut(tokenizer: Tokenizer, chat: ChatFormat): void {
  const back = new TextDecoder().decode(bytesOfTokens(tokenizer, tokenizer.encode(PROBE)));
  // Some tokenizers add a space before a text.
  if (back.replace(/^ /, '') !== PROBE)
    throw new ModelFileError(`the tokenizer turns ${JSON.stringify(PROBE)} into ${JSON.stringify(back)}`);
  const asked = (['system', 'user'] as const).map((role) => ({ role, content: PROBE }));
  try {
    chat.encode(asked, false);
    chat.encode([...asked, { role: 'assistant', content: PROBE }], true);
  } catch (error) {
    if (error instanceof InvalidInputError) throw new ModelFileError(error.message);
    throw error;
  }
}

/** The template is a file of its own or an entry in the tokenizer's configuration, where several may have names. */
async function readTemplate(folder: string): Promise<string> {
  const own = join(folder, TEMPLATE_FILE);
  const size = (await stat(own).catch(() => null))?.size;
  if (size !== undefined && size <= MAX_TEMPLATE_BYTES) return readFile(own, 'utf8');
  const { chat_template } = await readJsonFile(join(folder, CONFIG_FILE), configSchema);
  const template =
    typeof chat_template === 'string' ? chat_template : chat_template.find(({ name }) => name === 'default')?.template;
  if (template === undefined) throw new ModelFileError(`${CONFIG_FILE} has no chat template named default`);
  return template;
}

const configSchema = z.looseObject({
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))], {
    error: `there is no chat template, and no ${TEMPLATE_FILE} either: ${USE_CHAT}`,
  }),
});
