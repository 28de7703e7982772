import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelFileError } from '../../../src/ml/compile/compile.ts';
import { openModelText } from '../../../src/ml/text/model-text.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyText } from '../../support/tiny/tiny-checkpoint.ts';
import { chatTemplate, writeTinyGguf } from '../../support/tiny/tiny-gguf.ts';

/** What the changes below touch, of either file. */
interface Files {
  model: { type: string; vocab: Record<string, number> };
  added_tokens: object[];
  pre_tokenizer: { type: string; pretokenizers?: { type: string }[] };
  chat_template?: string | { name: string; template: string }[];
}

async function folderWith(change: (file: Files) => void = () => undefined, name = 'tokenizer.json') {
  const folder = await temporaryFolder();
  await writeTinyText(folder);
  const file = JSON.parse(await readFile(join(folder, name), 'utf8')) as Files;
  change(file);
  await writeFile(join(folder, name), JSON.stringify(file));
  return folder;
}

describe('[MODEL10] text from a folder', () => {
  it('has the tokens and prompts of the same model’s GGUF', async () => {
    const gguf = join(await temporaryFolder(), 'tiny.gguf');
    await writeTinyGguf(gguf);
    const [ours, theirs] = [await openModelText(await folderWith()), await openModelText(gguf)];
    for (const text of ['hello, the 2024 world', 'é 夜 🎵', ' \n\t  two  spaces', '<|im_end|> end', '']) {
      const ids = ours.tokenizer.encode(text);
      expect(ids).toEqual(theirs.tokenizer.encode(text));
      expect(ids.map((id) => ours.tokenizer.bytesOf(id))).toEqual(ids.map((id) => theirs.tokenizer.bytesOf(id)));
    }
    expect(ours.tokenizer.ends).toEqual(theirs.tokenizer.ends);
    expect(ours.tokenizer.controls).toEqual(theirs.tokenizer.controls);
    const messages = [{ role: 'user' as const, content: 'hello <|im_end|>' }];
    expect(ours.chat.encode(messages, false)).toEqual(theirs.chat.encode(messages, false));
  });

  it('reads the tokens that end an answer from either configuration, one or several', async () => {
    const folder = await folderWith();
    await rm(join(folder, 'generation_config.json'), { force: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ eos_token_id: [7, 8] }));
    expect([...(await openModelText(folder)).tokenizer.ends]).toEqual(expect.arrayContaining([7, 8]));
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: 9 }));
    expect([...(await openModelText(folder)).tokenizer.ends]).toEqual(expect.arrayContaining([7, 8, 9]));
  });

  it('reads the template from its own file, or the default of several', async () => {
    const expected = (await openModelText(await folderWith())).chat.encode([{ role: 'user', content: 'x' }], false);
    const several = await folderWith((config) => {
      config.chat_template = [
        { name: 'tools', template: 'no' },
        { name: 'default', template: chatTemplate },
      ];
    }, 'tokenizer_config.json');
    expect((await openModelText(several)).chat.encode([{ role: 'user', content: 'x' }], false)).toEqual(expected);
    const own = await folderWith((config) => delete config.chat_template, 'tokenizer_config.json');
    await writeFile(join(own, 'chat_template.jinja'), chatTemplate);
    expect((await openModelText(own)).chat.encode([{ role: 'user', content: 'x' }], false)).toEqual(expected);
  });

  it.each<[string, (file: Files) => void, RegExp, string?]>([
    ['a tokenizer of another kind', (file) => (file.model.type = 'WordPiece'), /only BPE and Unigram/],
    ['BPE that is not of bytes', (file) => (file.pre_tokenizer = { type: 'Metaspace' }), /only byte-level BPE/],
    ['an id beyond belief', (file) => (file.model.vocab.he = 2 ** 40), /implausibly large/],
    ['no tokens', (file) => ((file.model.vocab = {}), (file.added_tokens = [])), /no tokens/],
    ['an unknown part', (file) => (file.pre_tokenizer.pretokenizers![0]!.type = 'Mystery'), /cannot be built/],
    ['no template', (file) => delete file.chat_template, /no chat template/, 'tokenizer_config.json'],
    [
      'a broken template',
      (file) => (file.chat_template = '{% if'),
      /chat template is not valid/,
      'tokenizer_config.json',
    ],
  ])('[MODEL2] refuses %s', async (_, change, reason, name) => {
    const opened = openModelText(await folderWith(change, name));
    await expect(opened).rejects.toThrow(ModelFileError);
    await expect(opened).rejects.toThrow(reason);
  });

  it('[MODEL2] refuses more tokens than have an embedding', async () => {
    const folder = await folderWith();
    await writeFile(join(folder, 'config.json'), JSON.stringify({ vocab_size: 200 }));
    await expect(openModelText(folder)).rejects.toThrow('only 200 of 263 tokens have an embedding');
  });

  it('[MODEL2] refuses a folder without a tokenizer', async () => {
    const folder = await folderWith();
    await rm(join(folder, 'tokenizer.json'));
    await expect(openModelText(folder)).rejects.toThrow('there is no tokenizer.json');
  });
});
