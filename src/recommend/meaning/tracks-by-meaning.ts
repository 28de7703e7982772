import { inSlices, type Sliced } from '../../lib/async/slices.ts';
import { OverloadedError } from '../../lib/errors.ts';
import { checkFirst, decodeCursor, keyPart, type Page, pageOf } from '../../lib/page.ts';
import { checkText } from '../../lib/text/check-text.ts';
import { digestOfText } from '../../lib/text/digest.ts';
import { type MeaningSearch, MOST_MEANING } from '../contract.ts';
import { type Snapshot, trackAt } from '../model/snapshot.ts';
import { type NameVectors, product } from './name-vectors.ts';

const RETRY_AFTER_MS = 5_000;
/** Tracks of the same description are equally close, whatever else they are described by. */
const PRECISION = 1e9;

interface Found {
  id: number;
  closeness: number;
}

/**
 * Tracks by how close they are to a meaning. A track's vector is the sum of those of its genres and tags, weighted as ranking
 * weighs them; closeness is the cosine of the angle to the text's vector.
 */
export class TracksByMeaning {
  readonly #vectors: NameVectors;
  /** The lengths of the tracks' vectors, by the features that they were made of. */
  readonly #lengths = new WeakMap<Snapshot['features'], Promise<Float64Array>>();

  constructor(vectors: NameVectors) {
    this.#vectors = vectors;
  }

  /** @throws InvalidInputError, ModelUnavailableError; OverloadedError while the catalogue's names are being read */
  async search(search: MeaningSearch, snapshot: Snapshot): Promise<Page<number>> {
    const first = checkFirst(search.first);
    const text = checkText(search.meaning, 'meaning', { max: MOST_MEANING });
    const isReversed = search.direction === 'ASC';
    const list = `tracks:MEANING:${isReversed ? 'ASC' : 'DESC'}:${digestOfText(text).slice(0, 16)}`;
    const after = search.after == null ? null : decodeCursor(search.after, list, [keyPart.number, keyPart.id]);
    const wanted = await this.#vectors.encode(text);
    if (!(await this.#vectors.follow(snapshot)))
      throw new OverloadedError('the names of the catalogue are still being read', RETRY_AFTER_MS);
    const found = await inSlices(this.#closeness(wanted, await this.#lengthsOf(snapshot), search.among, snapshot));
    const compare = (a: Found, b: Found): number =>
      (isReversed ? a.closeness - b.closeness : b.closeness - a.closeness) || a.id - b.id;
    const from = after && { closeness: after[0], id: after[1] };
    const rows = firstOf(from ? found.filter((one) => compare(from, one) < 0) : found, first + 1, compare);
    const page = { first, after: search.after ?? null };
    const { edges, ...rest } = pageOf(
      rows,
      list,
      page,
      ({ closeness, id }) => [closeness, id],
      () => Promise.resolve(found.length),
    );
    return { ...rest, edges: edges.map(({ cursor, node }) => ({ cursor, node: node.id })) };
  }

  /** Of each offered track that has a genre or tag. */
  *#closeness(
    wanted: Float32Array,
    lengths: Float64Array,
    among: ReadonlySet<number> | null,
    snapshot: Snapshot,
  ): Sliced<Found[]> {
    const similar = this.#vectorsIn(snapshot).map((vector) => (vector ? product(vector, wanted) : 0));
    const found: Found[] = [];
    for (let index = 0; index < snapshot.tracks.length; index++) {
      if (index % 64 === 0) yield;
      const { id, withdrawn } = trackAt(snapshot, index);
      const length = lengths[index] ?? 0;
      if (withdrawn || length === 0 || (among && !among.has(id))) continue;
      const { indices, values } = snapshot.features.of(index) ?? nothing;
      let sum = 0;
      for (let i = 0; i < indices.length; i++) sum += (similar[indices[i] ?? 0] ?? 0) * (values[i] ?? 0);
      found.push({ id, closeness: Math.round((sum / length) * PRECISION) / PRECISION });
    }
    return found;
  }

  #lengthsOf(snapshot: Snapshot): Promise<Float64Array> {
    const known = this.#lengths.get(snapshot.features);
    if (known) return known;
    const lengths = inSlices(lengthsOf(snapshot, this.#vectorsIn(snapshot)));
    this.#lengths.set(snapshot.features, lengths);
    return lengths;
  }

  /** By feature; undefined for artists. */
  #vectorsIn(snapshot: Snapshot): (Float32Array | undefined)[] {
    const names = this.#vectors.namesIn(snapshot);
    return snapshot.featureNames.map((feature) => {
      const name = names.get(feature);
      return name === undefined ? undefined : this.#vectors.of(name);
    });
  }
}

const nothing = { indices: new Int32Array(), values: new Float64Array() };

function* lengthsOf(
  { features, tracks }: Snapshot,
  vectors: readonly (Float32Array | undefined)[],
): Sliced<Float64Array> {
  const lengths = new Float64Array(tracks.length);
  for (let index = 0; index < tracks.length; index++) {
    yield;
    const { indices, values } = features.of(index) ?? nothing;
    const sum = new Float64Array(vectors.find((vector) => vector)?.length ?? 0);
    for (let i = 0; i < indices.length; i++) {
      const vector = vectors[indices[i] ?? 0];
      for (let n = 0; vector && n < sum.length; n++) sum[n] = (sum[n] ?? 0) + (values[i] ?? 0) * (vector[n] ?? 0);
    }
    lengths[index] = Math.sqrt(sum.reduce((squares, part) => squares + part * part, 0));
  }
  return lengths;
}

/** The first of all in their order, without sorting the others. */
function firstOf<Item>(all: readonly Item[], count: number, compare: (a: Item, b: Item) => number): Item[] {
  const best: Item[] = [];
  for (const item of all) {
    const last = best.at(-1);
    if (best.length === count && last && compare(item, last) >= 0) continue;
    const at = best.findIndex((other) => compare(item, other) < 0);
    best.splice(at === -1 ? best.length : at, 0, item);
    if (best.length > count) best.pop();
  }
  return best;
}
