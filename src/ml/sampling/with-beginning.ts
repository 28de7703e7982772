import type { Beginning, GenerationRequest } from '../contract.ts';

/** One space behind a word: most tokens of words begin with one, so a model goes on badly after it. */
const SPACED = /\S $/u;
const WORD = /[a-z']$/i;

/**
 * The request as the model is to go on from it ([GEN27]). Where the text ends with a space, the model writes it, and it is
 * not shown again. Banned phrases and tunes are left alone; a form decides by itself how its words go on.
 */
export function withBeginning(
  request: GenerationRequest,
  leadsWithSpace = false,
): { beginning: Beginning | null; request: GenerationRequest } {
  const { messages, continueLast = false, wordEnded = false, sampling, verse = null, tune = null, format } = request;
  const last = messages.at(-1);
  // A format says itself how its answer begins.
  if (format) return { beginning: null, request };
  if (!continueLast && leadsWithSpace) return { beginning: 'LED', request };
  if (!continueLast || !last || tune || sampling.bannedPhrases.length > 0) return { beginning: null, request };
  if (wordEnded && !verse && WORD.test(last.content)) return { beginning: 'APART', request };
  if (!SPACED.test(last.content) || (verse && !SPACED.test(verse.written))) return { beginning: null, request };
  const trimmed = { ...last, content: last.content.slice(0, -1) };
  return {
    beginning: 'SPACED',
    request: {
      ...request,
      messages: [...messages.slice(0, -1), trimmed],
      verse: verse && { ...verse, written: verse.written.slice(0, -1) },
    },
  };
}
