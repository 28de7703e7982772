import * as Y from 'yjs';

/** Maximum number of insertions, deletions and collected stretches in one update. */
const MOST_STRUCTS = 50_000;
/** Yjs numbers clients with 32 bits. */
const LAST_CLIENT = 2 ** 32 - 1;
/** Beyond it, and clocks are no longer those of anybody's typing. */
const LAST_CLOCK = 2 ** 31 - 1;
/** Levels of a value inside the document. Those who read it recurse. */
const MOST_LEVELS = 32;

/** What an update adds of one client: the clocks from `from` up to `to`, exclusive. */
interface ClockRange {
  client: number;
  from: number;
  to: number;
}

/** What an update contains and what it builds on, without its content. */
export interface Inspected {
  ranges: ClockRange[];
  /** By client, the clock up to which the document must go with this update, so that nothing in it waits. */
  needs: [client: number, clock: number][];
  /** Whether it deletes anything, which may have been deleted before. */
  deletes: boolean;
}

/** The update is none, or is beyond the limits. The message completes the sentence "the update …". */
export class BadUpdateError extends Error {}

type Struct = Y.Item | Y.GC | Y.Skip;

/**
 * Reads an update in time and memory in proportion to its length, and never gives it to a document ([DOCUMENT3]).
 * @param bytes with a buffer of their own: Yjs would read beyond them in a shared one
 * @throws BadUpdateError
 */
export function inspectUpdate(bytes: Uint8Array): Inspected {
  const { structs, ds } = decoded(bytes);
  const ranges = rangesOf(structs);
  checkValues(structs);
  checkOrder(structs, ranges);
  return { ranges, needs: [...needsOf(structs, ds)], deletes: ds.clients.size > 0 };
}

function decoded(bytes: Uint8Array): { structs: Struct[]; ds: ReturnType<typeof Y.decodeUpdate>['ds'] } {
  let end = (): number => 0;
  class Decoder extends CountingDecoder {
    constructor(reader: ConstructorParameters<typeof CountingDecoder>[0]) {
      super(reader);
      end = () => reader.pos;
    }
  }
  let update: ReturnType<typeof Y.decodeUpdateV2>;
  try {
    update = Y.decodeUpdateV2(bytes, Decoder);
  } catch (error) {
    throw error instanceof BadUpdateError ? error : new BadUpdateError('is not an update of Yjs (encoding 1)');
  }
  if (end() !== bytes.length) throw new BadUpdateError('has bytes behind its end');
  return update;
}

/** A struct takes two bytes at least, and some memory each. */
class CountingDecoder extends Y.UpdateDecoderV1 {
  #structs = 0;

  override readInfo(): number {
    if (++this.#structs > MOST_STRUCTS) throw new BadUpdateError(`has more than ${MOST_STRUCTS} changes`);
    return super.readInfo();
  }
}

function rangesOf(structs: readonly Struct[]): ClockRange[] {
  const ranges = new Map<number, ClockRange>();
  for (const struct of structs) {
    const { client, clock } = struct.id;
    if (struct instanceof Y.Skip) throw new BadUpdateError('has gaps: send what is missing in them as well');
    if (client > LAST_CLIENT) throw new BadUpdateError(`has a client id beyond ${LAST_CLIENT}`);
    if (clock + struct.length > LAST_CLOCK) throw new BadUpdateError(`has a clock beyond ${LAST_CLOCK}`);
    if (struct.length < 1) throw new BadUpdateError('has an empty change');
    const range = ranges.get(client);
    if (!range) ranges.set(client, { client, from: clock, to: clock + struct.length });
    else if (range.to === clock) range.to += struct.length;
    else throw new BadUpdateError('has the changes of one client out of order');
  }
  return [...ranges.values()];
}

function checkValues(structs: readonly Struct[]): void {
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue;
    const { content } = struct;
    if (content instanceof Y.ContentDoc) throw new BadUpdateError('has a document inside the document');
    if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) content.arr.forEach(checkLevels);
    else if (content instanceof Y.ContentEmbed) checkLevels(content.embed);
    else if (content instanceof Y.ContentFormat) checkLevels(content.value);
  }
}

/** Without recursion, because this may be as deep as it is long. */
function checkLevels(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) throw new BadUpdateError(`has a value with more than ${MOST_LEVELS} levels`);
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : []));
  }
}

/** The changes that a change needs: its neighbours when it was made, and what it is in. */
function* neededBy(struct: Struct): Generator<Y.ID> {
  if (!(struct instanceof Y.Item)) return;
  if (struct.origin) yield struct.origin;
  if (struct.rightOrigin) yield struct.rightOrigin;
  if (struct.parent instanceof Y.ID) yield struct.parent;
}

function needsOf(structs: readonly Struct[], ds: ReturnType<typeof Y.decodeUpdate>['ds']): Map<number, number> {
  const needs = new Map<number, number>();
  const need = (client: number, clock: number): void => {
    if (clock > (needs.get(client) ?? 0)) needs.set(client, clock);
  };
  for (const struct of structs) for (const { client, clock } of neededBy(struct)) need(client, clock + 1);
  for (const [client, deleted] of ds.clients) for (const { clock, len } of deleted) need(client, clock + len);
  return needs;
}

/**
 * Whether changes that need each other need each other in a circle: Yjs would let them wait for ever, and all later
 * ones of their clients with them. Follows each client up to a change that needs one of this update which is not there
 * yet, and goes on with it when that is.
 */
function checkOrder(structs: readonly Struct[], ranges: readonly ClockRange[]): void {
  const queues = new Map(ranges.map(({ client, from }) => [client, { structs: [] as Struct[], next: 0, done: from }]));
  for (const struct of structs) queues.get(struct.id.client)?.structs.push(struct);
  const isMissing = ({ client, clock }: Y.ID): boolean => {
    const queue = queues.get(client);
    return queue !== undefined && clock >= queue.done && clock < endOf(queue.structs);
  };
  const waiting = new Map<number, Set<number>>();
  const ready = [...queues.keys()];
  for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
    const queue = queues.get(client);
    const before = queue?.next;
    for (let struct = queue?.structs[queue.next]; queue && struct; struct = queue.structs[queue.next]) {
      const own = struct.id.clock;
      const missing = [...neededBy(struct)].find((id) => isMissing(id) && !(id.client === client && id.clock < own));
      if (missing) {
        waiting.set(missing.client, (waiting.get(missing.client) ?? new Set()).add(client));
        break;
      }
      queue.next++;
      queue.done = own + struct.length;
    }
    // Who waits for this client goes on if it has, and otherwise not: in a circle they would wake each other for ever.
    if (queue?.next === before) continue;
    ready.push(...(waiting.get(client) ?? []));
    waiting.delete(client);
  }
  for (const { structs: of, next } of queues.values())
    if (next < of.length) throw new BadUpdateError('has changes that wait for each other');
}

const endOf = (structs: readonly Struct[]): number => {
  const last = structs.at(-1);
  return last ? last.id.clock + last.length : 0;
};
