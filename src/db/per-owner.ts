import DataLoader from 'dataloader';

/**
 * A list for each of several owners, where a call is for one of them: calls with the same arguments in the same turn of the
 * event loop are one call of `load`. A list below each node of a list is then no statement a node ([PAGE3]).
 *
 * @param load one statement; owners without an entry are absent from its result
 */
export function perOwner<Args, Result>(
  load: (owners: readonly number[], args: Args) => Promise<ReadonlyMap<number, Result>>,
  none: Result,
): (owner: number, args: Args) => Promise<Result> {
  const waiting = new Map<string, DataLoader<number, Result>>();
  return (owner, args) => {
    const key = JSON.stringify(args);
    const loader = waiting.get(key) ?? new DataLoader<number, Result>((owners) => answer(owners));
    waiting.set(key, loader);
    return loader.load(owner);

    async function answer(owners: readonly number[]): Promise<Result[]> {
      waiting.delete(key);
      const found = await load(owners, args);
      return owners.map((one) => found.get(one) ?? none);
    }
  };
}

/** Counted rows as what `perOwner` wants of them. */
export const totals = (rows: readonly { owner: number; total: number }[]): Map<number, number> =>
  new Map(rows.map(({ owner, total }) => [owner, total]));
