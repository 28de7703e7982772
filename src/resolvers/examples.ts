import type { Context } from './context.ts';
import { encodeId } from './global-id.ts';

/** Ids of existing objects for the worked examples. Null in an empty catalogue. */
export async function exampleIds({ catalogue }: Pick<Context, 'catalogue'>): Promise<{ trackId: string | null }> {
  const { edges } = await catalogue.searchTracks({ first: 1, orderBy: 'POPULARITY' });
  const [first] = edges;
  return { trackId: first ? encodeId('Track', first.node.id) : null };
}
