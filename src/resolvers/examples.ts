import type { Context } from './context.ts';
import { encodeId } from './global-id.ts';

/** Ids of things that are there, for worked examples; null in an empty catalogue. */
export async function exampleIds({ catalogue }: Pick<Context, 'catalogue'>): Promise<{ trackId: string | null }> {
  const { edges } = await catalogue.searchTracks({ first: 1, orderBy: 'POPULARITY' });
  const [first] = edges;
  return { trackId: first ? encodeId('Track', first.node.id) : null };
}
