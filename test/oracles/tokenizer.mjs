/**
 * Makes tokenizer.json: what llama.cpp makes of varied texts with the vocabulary of a GGUF file, for each pre-tokenizer
 * we support. Outside this repository: `npm install node-llama-cpp@3.22.1`, then run it there with the model's path:
 *
 *   node tokenizer.mjs SmolLM2-135M-Instruct.Q4_1.gguf > tokenizer.json
 */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { getLlama } from 'node-llama-cpp';

const TEXTS = [
  'Hello, world! This is a plain English sentence.',
  "It's what we'd say they've done; I'm sure you'll agree it isn't 'Tis.",
  "IT'S LOUD, THEY'VE SAID",
  'In 2024 there were 1,234,567 songs, 3.14159 on average, 50% up: 0x1F4A9 and 12345678901234567890.',
  '½ of ² and ④ Ⅷ ٣٤٥ १२३',
  'Café, naïve, façade, Ångström, Żółć, Đặng Thị Huệ, smörgåsbord.',
  'e\u0301 and a\u0308 written with combining marks',
  '春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。',
  '日本語のテキストと한국어 텍스트',
  'Привет, мир! Как дела?',
  'مرحبا بالعالم שלום עולם',
  '🎵 a song 🎶 for 👩‍👩‍👧‍👦 and 🏳️‍🌈, 🇮🇸!',
  'def f(x):\n    return {"a": [1, 2, 3]}[x] if x else None  # done\n',
  'const a = b?.c ?? `${d}`; // ok\r\n\tif (!a) { return; }\r\n',
  'spaces:  two   three    four     five, and a tab:\t, and at the end   ',
  '\n\nlines\n \n  \n\n\nand\r\n\r\nmore\n',
  '   leading',
  ' ',
  '\u00a0no-break\u3000ideographic\u2003em\u200bzero',
  '...!!!???---___***###@@@$$$%%%^^^&&&((())))',
  'https://example.com/path?query=1&other=two#part user@example.com',
  'A'.repeat(60) + 'ha'.repeat(40) + ' ' + '='.repeat(33),
  '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
  'a<|endoftext|> b <|im_end',
  'camelCase HTTPServer XMLHttpRequest iPhone McDonald eBook ISBNs',
  "L'été d'Arc, O'Neil's DON'T we'Ll",
  'either/or //\n/** done */\n/',
  'X:1\nT:A Tune\nM:4/4\nK:Dmaj\n|: d2 fd e>c A2 | B/c/d :|',
];
const KINDS = ['smollm', 'gpt-2', 'llama-bpe', 'qwen2', 'stablelm2', 'olmo', 'dbrx', 'gpt-4o', 'tekken'];

/** The same file under another pre-tokenizer's name; another string makes up for its length, so nothing else moves. */
function relabel(file, kind) {
  const pre = stringAt(file, 'tokenizer.ggml.pre');
  const name = stringAt(file, 'general.name');
  const difference = kind.length - pre.text.length;
  const other = name.text.padEnd(name.text.length + Math.max(0, -difference)).slice(0, name.text.length - difference);
  const [first, second] = [{ ...pre, text: kind, was: pre.text }, { ...name, text: other, was: name.text }].sort((a, b) => a.at - b.at);
  const encode = ({ text }) => Buffer.concat([length(text), Buffer.from(text)]);
  const end = ({ at, was }) => at + 8 + was.length;
  return Buffer.concat([file.subarray(0, first.at), encode(first), file.subarray(end(first), second.at), encode(second), file.subarray(end(second))]);
}

function stringAt(file, key) {
  const at = file.indexOf(key) + key.length + 4;
  const size = Number(file.readBigUInt64LE(at));
  return { at, text: file.toString('latin1', at + 8, at + 8 + size) };
}

function length(text) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(text.length));
  return bytes;
}

const original = readFileSync(process.argv[2]);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const result = { source: 'llama.cpp through node-llama-cpp 3.22.1', texts: TEXTS, ids: {} };
for (const kind of KINDS) {
  const modelPath = join(tmpdir(), `tokenizer-oracle-${kind}.gguf`);
  writeFileSync(modelPath, relabel(original, kind));
  const model = await llama.loadModel({ modelPath, vocabOnly: true });
  result.ids[kind] = TEXTS.map((text) => model.tokenize(text, true).map(Number));
  await model.dispose();
}
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
