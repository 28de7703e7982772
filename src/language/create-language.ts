import { InvalidInputError, ModelUnavailableError } from '../lib/errors.ts';
import { checkExactText, checkLength } from '../lib/text/check-text.ts';
import type { EncodedText, Model, TextVectors, Translation } from '../ml/engine.ts';
import { type Language, LONGEST_TEXT, MOST_TEXTS } from './contract.ts';
import { LanguageDetector } from './detect/detector.ts';
import type { TextHead } from './heads/head-file.ts';
import { HeadFolder } from './heads/head-folder.ts';
import { classifyEncoded, explainEncoded } from './heads/score-text.ts';
import { type MoodAxes, moodAxes, moodFrom } from './mood.ts';
import { sentimentOf } from './sentiment.ts';
import { translateTexts } from './translating.ts';

export interface LanguageOptions {
  vectors: TextVectors;
  translation: Translation;
  /** The model that computes them. Null if there is none. */
  encoder: () => Pick<Model, 'id' | 'name' | 'digest'> | null;
  /** Its subfolder `heads` has the operator's classifiers. */
  dataDir: string;
}

/** Services on texts: classifiers, moods, languages, vectors. */
export function createLanguage({ vectors, translation, encoder, dataDir }: LanguageOptions): Language {
  const heads = new HeadFolder(dataDir);
  const detector = new LanguageDetector();
  const axes = new Map<string, Promise<MoodAxes>>();
  const fitting = async (name: string, field: string): Promise<TextHead> => {
    const head = await heads.find(name, field);
    const model = encoder();
    if (model && head.encoder === model.digest) return head;
    const why = model
      ? `was trained on vectors of another model than ${model.name}: train it again`
      : 'needs a model with the task EMBEDDING, and this node has none';
    throw new ModelUnavailableError(`the classifier ${name} ${why}`, model?.id ?? null);
  };
  const axesOf = (head: TextHead, signal: AbortSignal) => {
    const known = axes.get(head.encoder) ?? moodAxes(vectors, signal);
    axes.set(head.encoder, known);
    known.catch(() => axes.delete(head.encoder));
    return known;
  };
  return {
    async classify(texts, name, signal) {
      checkTexts(texts);
      const head = await fitting(name, 'classifier');
      const encoded = await vectors.encode(texts, { signal });
      return encoded.map((one) => ({ classifier: name, version: head.version, ...classifyEncoded(head, one) }));
    },
    async explain(text, name, signal) {
      checkTexts([text]);
      const head = await fitting(name, 'classifier');
      const [encoded] = await vectors.encode([text], { signal, words: true });
      return encoded ? explainEncoded(head, text, encoded).words : [];
    },
    async sentiments(texts, signal) {
      checkTexts(texts);
      const head = await fitting('emotion', 'texts');
      return (await vectors.encode(texts, { signal })).map((encoded) => sentimentOf(head, encoded));
    },
    async moods(texts, signal) {
      checkTexts(texts);
      const head = await fitting('emotion', 'texts');
      // Its words are read once for all callers, whoever leaves.
      const both = await axesOf(head, new AbortController().signal);
      return (await vectors.encode(texts, { signal })).map((encoded) => moodFrom(head, both, encoded));
    },
    detect(texts, signal) {
      checkTexts(texts);
      return detector.detect(texts, signal);
    },
    async embed(texts, signal): Promise<readonly Pick<EncodedText, 'embedding' | 'tokens'>[]> {
      checkTexts(texts);
      return vectors.encode(texts, { signal });
    },
    async translate(input, signal) {
      checkTexts(input.texts);
      const detect: Language['detect'] = (texts) => detector.detect(texts, signal);
      return translateTexts(input, { translation, detect, signal });
    },
    async classifiers() {
      const names = await heads.names();
      const read = await Promise.all(names.map((name) => heads.find(name, 'classifier').catch(() => null)));
      return read.filter((head) => head !== null);
    },
    [Symbol.asyncDispose]: () => detector[Symbol.asyncDispose](),
  };
}

/** @throws InvalidInputError that names the text */
function checkTexts(texts: readonly string[]): void {
  checkLength(texts, 'texts', MOST_TEXTS);
  texts.forEach((text, i) => {
    checkExactText(text, `texts.${i}`, { max: LONGEST_TEXT });
    if (text.trim() === '') throw new InvalidInputError(`texts.${i} must not be blank`, `texts.${i}`);
  });
}
