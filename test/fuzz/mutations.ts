/** Draws floats in [0, 1). */
type Random = () => number;

/** A case: what was done to the bytes, for people, and the bytes. */
export interface Mutated {
  how: string;
  bytes: Buffer;
}

type Mutation = (bytes: Buffer, random: Random) => Mutated;

/** What damage and malice do to a file. `head` is where its structure lies: most blows fall there. */
export function mutate(bytes: Buffer, head: number, random: Random): Mutated {
  const place = (): number => below(random() < 0.8 ? Math.min(head, bytes.length) : bytes.length, random);
  const mutations: Mutation[] = [
    () => truncate(bytes, random() < 0.5 ? place() : below(bytes.length, random)),
    () => flipBits(bytes, 1 + below(8, random), place, random),
    () => flipBits(bytes, 1, place, random),
    () => lie(bytes, place(), random),
    () => overwrite(bytes, place(), 1 + below(64, random), random),
    () => shift(bytes, place(), 1 + below(32, random), random),
  ];
  return pick(mutations, random)(bytes, random);
}

function truncate(bytes: Buffer, length: number): Mutated {
  return { how: `truncated to ${length} bytes`, bytes: bytes.subarray(0, length) };
}

function flipBits(bytes: Buffer, count: number, place: () => number, random: Random): Mutated {
  const out = Buffer.from(bytes);
  const places = Array.from({ length: count }, place);
  for (const at of places) if (at < out.length) out[at] = out[at]! ^ (1 << below(8, random));
  return { how: `bits flipped at ${places.join(', ')}`, bytes: out };
}

/** Sizes and counts that no file has. */
const LIES = [0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 33n, 1n << 53n, (1n << 63n) - 1n, (1n << 64n) - 1n];

function lie(bytes: Buffer, at: number, random: Random): Mutated {
  const out = Buffer.from(bytes);
  const value = pick([...LIES, BigInt(bytes.length), BigInt(bytes.length + 1)], random);
  const width = random() < 0.5 ? 4 : 8;
  const from = Math.min(at, Math.max(0, out.length - width));
  for (let i = 0; i < width && from + i < out.length; i++) out[from + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return { how: `${width} bytes at ${from} say ${value}`, bytes: out };
}

function overwrite(bytes: Buffer, at: number, length: number, random: Random): Mutated {
  const out = Buffer.from(bytes);
  for (let i = at; i < Math.min(out.length, at + length); i++) out[i] = below(256, random);
  return { how: `${length} random bytes at ${at}`, bytes: out };
}

function shift(bytes: Buffer, at: number, length: number, random: Random): Mutated {
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (random() < 0.5)
    return { how: `${length} bytes taken out at ${at}`, bytes: Buffer.concat([before, after.subarray(length)]) };
  return { how: `${length} bytes put in at ${at}`, bytes: Buffer.concat([before, Buffer.alloc(length, 0x31), after]) };
}

const ODD_VALUES = [null, true, -1, 0, 1.5, 1e308, 2 ** 53, 2 ** 31, '', 'x', '9'.repeat(400), [], [[]], {}, { a: 1 }];

/** JSON that is still JSON: a value replaced by an odd one, moved, or taken out. */
export function mutateJson(text: string, random: Random): Mutated {
  const json = JSON.parse(text) as unknown;
  const places: { parent: Record<string, unknown>; key: string }[] = [];
  collect(json, places);
  const { parent, key } = pick(places, random);
  const odd = pick([...ODD_VALUES, pick(places, random).parent], random);
  if (random() < 0.1) Reflect.deleteProperty(parent, key);
  // A copy: an object within itself would have no JSON.
  else parent[key] = structuredClone(odd);
  const how = `${key} is ${JSON.stringify(parent[key] ?? 'gone').slice(0, 60)}`;
  return { how, bytes: Buffer.from(JSON.stringify(json)) };
}

function collect(value: unknown, places: { parent: Record<string, unknown>; key: string }[]): void {
  if (typeof value !== 'object' || value === null) return;
  const parent = value as Record<string, unknown>;
  // Of long lists a few, or all cases would fall into the vocabulary.
  for (const key of Object.keys(parent).slice(0, 20)) {
    places.push({ parent, key });
    collect(parent[key], places);
  }
}

export function below(bound: number, random: Random): number {
  return Math.floor(random() * bound);
}

export function pick<Value>(values: readonly Value[], random: Random): Value {
  return values[below(values.length, random)]!;
}
