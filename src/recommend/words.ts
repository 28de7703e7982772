const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** The words of a text in any script, in lower case, without those that say nothing by themselves; each once. */
export function wordsOf(text: string): string[] {
  const words = [...segmenter.segment(text.normalize('NFKC').toLowerCase())]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => segment);
  return [...new Set(words)].filter((word) => !STOP_WORDS.has(word));
}

const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and are as at be by for from i in is it like me my of on or some something that the this to want with ' +
    '的 了 和 与 在 我 是 有 一 一些 想 要 听'
  ).split(' '),
);
