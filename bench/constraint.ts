import { availableParallelism } from 'node:os';
import { randomStream } from '../src/lib/random.ts';
import { allTokens } from '../src/ml/sampling/constraint.ts';
import { FormatConstraint } from '../src/ml/sampling/format/format-constraint.ts';
import { type FormatVocabulary, trieOf } from '../src/ml/sampling/format/token-trie.ts';
import { conforms, pieceVocabulary, randomAnswer } from '../test/support/formats/format-writing.ts';
import { randomExpression, randomSchemaFormat } from '../test/support/formats/random-formats.ts';

const FORMATS = 1_000;
const MASKED = 100;
const MOST_TOKENS = 200;

/** Syllables of several scripts, of which words are made, some with a space before, as in a model's vocabulary. */
const SYLLABLES = Array.from('aeiou').flatMap((vowel) =>
  Array.from('bdfgklmnprstvz', (consonant) => consonant + vowel),
);
const SCRIPTS = [
  SYLLABLES,
  Array.from('абвгдежзиклмнопрстуы'),
  Array.from('的一是不了人我在有他这中大来上国'),
  Array.from('ةابتثجحدرسعكلمن'),
];

/** Bytes, pieces of JSON and distinct words, `vocab` tokens with the one that ends. */
function vocabularyOf(vocab: number): FormatVocabulary {
  const random = randomStream(vocab);
  const words = new Set<string>();
  while (words.size < vocab - 400) {
    const script = SCRIPTS[random() < 0.6 ? 0 : 1 + Math.floor(3 * random())] ?? SYLLABLES;
    const parts = Array.from(
      { length: 1 + Math.floor(5 * random()) },
      () => script[Math.floor(random() * script.length)],
    );
    words.add((random() < 0.5 ? ' ' : '') + parts.join(''));
  }
  return pieceVocabulary([...words]);
}

/** Milliseconds of each mask of random answers, and of each compilation. */
function measure(vocab: number): { masks: number[]; compiles: number[] } {
  const vocabulary = vocabularyOf(vocab);
  trieOf(vocabulary);
  const [masks, compiles]: [number[], number[]] = [[], []];
  for (let seed = 1; seed <= MASKED; seed++) {
    const random = randomStream(seed);
    const format =
      seed % 2 ? randomSchemaFormat(random) : ({ type: 'REGEX', expression: randomExpression(random) } as const);
    const start = performance.now();
    const constraint = new FormatConstraint({ format, written: '' }, vocabulary, 4_096);
    compiles.push(performance.now() - start);
    write(constraint, vocabulary, random, masks);
  }
  return { masks, compiles };
}

function write(
  constraint: FormatConstraint,
  vocabulary: FormatVocabulary,
  random: () => number,
  masks: number[],
): void {
  for (let count = 0; count < MOST_TOKENS; count++) {
    const allowed = allTokens(vocabulary.vocab);
    const start = performance.now();
    constraint.mask(allowed);
    masks.push(performance.now() - start);
    const id = draw(allowed, vocabulary.vocab, random);
    if (id === null || vocabulary.ends.has(id)) return;
    constraint.accept(id);
  }
}

function draw(allowed: Uint32Array, vocab: number, random: () => number): number | null {
  const from = Math.floor(random() * vocab);
  for (let step = 0; step < vocab; step++) {
    const id = (from + step) % vocab;
    if (((allowed[id >> 5] ?? 0) >>> (id & 31)) & 1) return id;
  }
  return null;
}

/** The share of finished answers to 1,000 random schemas and 1,000 expressions that conform, as others judge. */
function conforming(): number {
  const vocabulary = pieceVocabulary();
  const judged = Array.from({ length: 2 * FORMATS }, (_, i) => {
    const random = randomStream(i);
    const format =
      i % 2 ? randomSchemaFormat(random) : ({ type: 'REGEX', expression: randomExpression(random) } as const);
    const answer = randomAnswer(format, { vocabulary, random, maxTokens: 30 + Math.floor(300 * random()) });
    return answer === null ? null : conforms(format, answer);
  }).filter((one) => one !== null);
  console.log(`${judged.length} answers were written, ${judged.filter(Boolean).length} conform`);
  return judged.filter(Boolean).length / judged.length;
}

/** What it costs to keep a format: masks over small and large vocabularies, compiling, and whether answers conform. */
export function run(): Promise<Record<string, number>> {
  console.log(`${availableParallelism()} cores`);
  const figures: Record<string, number> = {};
  const all: number[] = [];
  for (const vocab of [49_152, 262_144]) {
    const { masks, compiles } = measure(vocab);
    all.push(...compiles);
    figures[`mask_ms_${vocab}`] = masks.reduce((sum, one) => sum + one, 0) / masks.length;
    console.log(
      `${vocab} tokens: mean ${figures[`mask_ms_${vocab}`]?.toFixed(3)} ms a mask, half ${at(masks, 0.5)}, 99 % ${at(masks, 0.99)}`,
    );
  }
  return Promise.resolve({ ...figures, compile_ms_p99: at(all, 0.99), conform: conforming() });
}

const at = (values: number[], share: number): number =>
  Number((values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0).toFixed(3));
