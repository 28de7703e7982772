import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createChatFormat, type ChatFormat } from './chat.ts';
import { ModelFileError, readGgufMetadata, readJsonFile } from './compile/compile.ts';
import { readGgufTokenizer } from './gguf-tokenizer.ts';
import { readFolderTokenizer } from './hugging-face-tokenizer.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

/** How a model's text becomes tokens, and messages a prompt. */
export interface ModelText {
  tokenizer: Tokenizer;
  chat: ChatFormat;
}

const TEMPLATE_FILE = 'chat_template.jinja';
const CONFIG_FILE = 'tokenizer_config.json';
/** A template of this size is none. */
const MAX_TEMPLATE_BYTES = 1024 * 1024;

/**
 * @param path a GGUF file, or a folder as Hugging Face lays it out
 * @throws ModelFileError when a part is missing, corrupt or of an unsupported kind
 */
export async function openModelText(path: string): Promise<ModelText> {
  return (await stat(path)).isDirectory() ? openFolder(path) : openGguf(path);
}

async function openGguf(path: string): Promise<ModelText> {
  const metadata = await readGgufMetadata(path);
  const tokenizer = createTokenizer(readGgufTokenizer(metadata));
  return { tokenizer, chat: createChatFormat(metadata.string('tokenizer.chat_template'), tokenizer) };
}

async function openFolder(folder: string): Promise<ModelText> {
  const tokenizer = createTokenizer(await readFolderTokenizer(folder));
  return { tokenizer, chat: createChatFormat(await readTemplate(folder), tokenizer) };
}

/** In a file of its own, or an entry of the tokenizer's configuration, where it may be one of several that have names. */
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
    error: `there is no chat template, and no ${TEMPLATE_FILE} either`,
  }),
});
