import type { Draft, Drafts, PlacedToken } from '../drafts/drafts.ts';
import type { Viewer } from '../listeners/listeners.ts';

/** Parts of a text, from and to in UTF-16 code units, with the probability that the model gave each. */
export type Odds = [from: number, to: number, probability: number][];

const READ_AT_ONCE = 100;

/** How likely the model found the parts of what it has written, as the text is put into a document. */
export async function oddsOf(
  { drafts, viewer }: { drafts: Drafts; viewer: Viewer },
  draftId: string,
  placed: string,
): Promise<Odds> {
  const draft = (await drafts.byIds(viewer, [draftId])).get(draftId);
  if (!draft) return [];
  const { text } = draft;
  // White space around it may be other than the model's.
  const shift = placed.indexOf(text.trim()) - (text.length - text.trimStart().length);
  const indices = indicesOf(text);
  const within = (position: number): number =>
    Math.min(placed.length, Math.max(0, shift + (indices[position] ?? text.length)));
  const tokens = await tokensOf(drafts, draft);
  return tokens
    .map(({ start, end, logprob }): Odds[number] => [within(start), within(end), rounded(Math.exp(logprob))])
    .filter(([from, to]) => from < to);
}

/** The index of each code point, and of the end. */
function indicesOf(text: string): number[] {
  const indices = [0];
  for (const character of text) indices.push((indices.at(-1) ?? 0) + character.length);
  return indices;
}

async function tokensOf(drafts: Drafts, draft: Draft): Promise<PlacedToken[]> {
  const all: PlacedToken[] = [];
  for (let from = 0; ;) {
    const page = await drafts.tokensOf(draft, { from, first: READ_AT_ONCE });
    all.push(...page);
    const last = page.at(-1);
    if (!last || page.length < READ_AT_ONCE || last.end <= from) return all;
    from = last.end;
  }
}

const rounded = (probability: number): number => Math.round(probability * 10_000) / 10_000;
