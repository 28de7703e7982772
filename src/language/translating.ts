import { InvalidInputError } from '../lib/errors.ts';
import { checkExactText, checkLength, checkText } from '../lib/text/check-text.ts';
import { countCodePoints } from '../lib/text/code-points.ts';
import type { GlossaryTerm, LanguagePair, Translation } from '../ml/engine.ts';
import { type DetectedLanguage, MOST_TRANSLATED, type TranslatedText, type TranslationInput } from './contract.ts';

const MOST_TERMS = 100;
const LONGEST_TERM = 100;
const LONGEST_CODE = 35;
/** Where no model has a pair, texts go through this language. */
const PIVOT = 'en';

type Detect = (texts: readonly string[], signal: AbortSignal) => Promise<readonly DetectedLanguage[]>;

/** Translates texts, each from its own language if none is given. The texts' lengths have been checked. */
export async function translateTexts(
  { texts, from, to, glossary }: TranslationInput,
  { translation, detect, signal }: { translation: Translation; detect: Detect; signal: AbortSignal },
): Promise<readonly TranslatedText[]> {
  const target = checkedCode(to, 'to');
  const given = from === null ? null : checkedCode(from, 'from');
  checkTotal(texts);
  checkGlossary(glossary);
  const sources = given === null ? await detected(texts, detect, signal) : texts.map(() => given);
  const routes = new Map(sources.map((source) => [source, routeOf(translation, { from: source, to: target })]));
  const answers: TranslatedText[] = [];
  for (const [source, route] of routes) {
    const at = texts.flatMap((_, i) => (sources[i] === source ? i : []));
    const asked = at.map((i) => texts[i] ?? '');
    const found = await translateAlong(route, asked, { translation, glossary, signal });
    at.forEach((i, n) => found[n] && (answers[i] = { ...found[n], from: source, to: target }));
  }
  return answers;
}

/** The pairs one after the other. @throws InvalidInputError if the models that there are cannot do it */
function routeOf(translation: Translation, { from, to }: LanguagePair): readonly LanguagePair[] {
  if (from === to) throw new InvalidInputError(`to is the language of the text already: ${to}`, 'to');
  const pairs = translation.pairs();
  const has = (one: LanguagePair) => pairs.some((pair) => pair.from === one.from && pair.to === one.to);
  const [direct, first, second] = [
    { from, to },
    { from, to: PIVOT },
    { from: PIVOT, to },
  ];
  // Of a node without models it is not known what others can do: it says itself what to do.
  if (pairs.length === 0 || has(direct)) return [direct];
  if (has(first) && has(second)) return [first, second];
  const known = pairs.map((pair) => `${pair.from} → ${pair.to}`).join(', ');
  throw new InvalidInputError(`no model here translates from ${from} to ${to}; there are: ${known}`, 'to');
}

type Translated = Pick<TranslatedText, 'text' | 'confidence' | 'missedTerms'>;

/** On the way through another language the glossary's terms stay as they are. */
async function translateAlong(
  route: readonly LanguagePair[],
  texts: readonly string[],
  asked: { translation: Translation; glossary: readonly GlossaryTerm[]; signal: AbortSignal },
): Promise<Translated[]> {
  const { translation, glossary, signal } = asked;
  let found: Translated[] = texts.map((text) => ({ text, confidence: 1, missedTerms: [] }));
  for (const [i, pair] of route.entries()) {
    const isLast = i === route.length - 1;
    const terms = isLast ? glossary : glossary.map(({ source }) => ({ source, target: source }));
    const before = found;
    const next = await translation.translate(
      before.map(({ text }) => text),
      { ...pair, glossary: terms, signal },
    );
    found = next.map(({ text, confidence, missed }, n) => ({
      text,
      confidence: confidence * (before[n]?.confidence ?? 1),
      missedTerms: [...new Set([...(before[n]?.missedTerms ?? []), ...missed.map(({ source }) => source)])],
    }));
  }
  return found;
}

async function detected(texts: readonly string[], detect: Detect, signal: AbortSignal): Promise<string[]> {
  const found = await detect(texts, signal);
  return found.map(({ language, isReliable }, i) => {
    if (language !== null && isReliable) return language;
    throw new InvalidInputError(`from is needed: the language of texts.${i} cannot be told with certainty`, 'from');
  });
}

function checkedCode(code: string, field: string): string {
  checkText(code, field, { max: LONGEST_CODE });
  if (/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(code)) return code.toLowerCase();
  throw new InvalidInputError(`${field} must be a language code, for example en or pt`, field);
}

function checkTotal(texts: readonly string[]): void {
  const total = texts.reduce((sum, text) => sum + countCodePoints(text), 0);
  if (total > MOST_TRANSLATED)
    throw new InvalidInputError(
      `texts must have at most ${MOST_TRANSLATED} characters together, not ${total}`,
      'texts',
    );
}

function checkGlossary(glossary: readonly GlossaryTerm[]): void {
  checkLength(glossary, 'glossary', MOST_TERMS);
  const known = new Set<string>();
  for (const [i, term] of glossary.entries()) {
    for (const side of ['source', 'target'] as const) {
      const field = `glossary.${i}.${side}`;
      checkExactText(term[side], field, { max: LONGEST_TERM });
      if (term[side].trim() !== term[side] || /^$|[\r\n]/.test(term[side]))
        throw new InvalidInputError(`${field} must be a word or phrase in one line, without spaces around it`, field);
    }
    const folded = term.source.toLowerCase();
    if (known.has(folded))
      throw new InvalidInputError(`glossary.${i}.source is there twice: ${term.source}`, `glossary.${i}.source`);
    known.add(folded);
  }
}
