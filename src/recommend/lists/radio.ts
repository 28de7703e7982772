import { InvalidInputError } from '../../lib/errors.ts';
import { decodeCursor, encodeCursor, keyPart } from '../../lib/page.ts';
import type { RecommendationPage } from '../contract.ts';
import type { ServedLists } from './served-lists.ts';

/** The name in the cursors of a radio. */
const RADIO = 'radio';
/** Tracks that a radio does not play again: more than a day of music. */
const MOST_PLAYED = 500;

/**
 * What a radio has played up to a cursor, the last first.
 * @throws InvalidInputError for a cursor that is not of the listener's radio of the last day
 */
export async function playedUntil(served: ServedLists, after: string, listenerId: number): Promise<readonly number[]> {
  const [id, position] = decodeCursor(after, RADIO, [keyPart.uuid, keyPart.id]);
  const part = await served.find(id, position);
  if (part?.listenerId !== listenerId || position > part.positions.length) {
    throw new InvalidInputError('after is not a cursor of a radio of this listener within the last day', 'after');
  }
  const here = part.positions.slice(0, position).map(({ trackId }) => trackId);
  return [...new Set([...here.reverse(), ...part.servedBefore])].slice(0, MOST_PLAYED);
}

/**
 * The next part: a list of its own, of what is known now, without what was played. When so much was played that too little is
 * left, what was played longest ago may come again.
 */
export async function nextPart(
  played: readonly number[],
  first: number,
  open: (without: readonly number[]) => Promise<{ page: RecommendationPage; sent: () => void }>,
): Promise<RecommendationPage> {
  for (let without = played; ; without = without.slice(0, Math.floor(without.length / 4))) {
    const { page, sent } = await open(without);
    if (page.edges.length < first && without.length > 0) continue;
    sent();
    return asPart(page, played.length > 0);
  }
}

/** Whatever has been played, something follows. */
function asPart(page: RecommendationPage, hasPreviousPage: boolean): RecommendationPage {
  const edges = page.edges.map(({ node }) => ({ cursor: encodeCursor(RADIO, [page.requestId, node.rank]), node }));
  return { ...page, edges, hasPreviousPage, hasNextPage: edges.length > 0 };
}
