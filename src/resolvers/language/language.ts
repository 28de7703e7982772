import type { NamedClassification, WordContribution } from '../../language/language.ts';
import type { Context } from '../context.ts';

/** One label of a text, which can explain itself. */
export type TextLabel = NamedClassification['labels'][number] & {
  words: (context: Context) => Promise<readonly WordContribution[]>;
};

/** What a classifier says of a text. */
export interface TextClassification {
  classifier: string;
  version: string;
  labels: readonly TextLabel[];
}

export async function classifyText(
  { texts, classifier }: { texts: readonly string[]; classifier: string },
  { language, lifetime }: Context,
): Promise<TextClassification[]> {
  const found = await language.classify(texts, classifier, lifetime.signal);
  return found.map((one, i) => withWords(one, texts[i] ?? ''));
}

/** All labels of a text are explained by one encoding, when the first is asked. */
function withWords({ labels, classifier, version }: NamedClassification, text: string): TextClassification {
  let explained: Promise<readonly (readonly WordContribution[])[]> | null = null;
  const explain = ({ language, lifetime }: Context) =>
    (explained ??= language.explain(text, classifier, lifetime.signal));
  const explaining = labels.map((label, at) => ({
    ...label,
    words: async (context: Context) => (await explain(context))[at] ?? [],
  }));
  return { classifier, version, labels: explaining };
}
