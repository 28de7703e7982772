import type { DraftSummary } from '../../../src/db/drafts/draft-queries.ts';
import { FoldedDraft } from '../../../src/drafts/log/jetstream/folded-draft.ts';
import { isTerminal, type LogEntry, type LogEvent } from '../../../src/drafts/log/log-events.ts';
import {
  DivergedError,
  type EntriesWanted,
  type Fence,
  type LogAppend,
  type LogStore,
  type NewLog,
} from '../../../src/drafts/log/log-store.ts';
import { type DraftRecord, draftRecord, modelTurns } from '../../../src/drafts/log/stored.ts';
import type { ClaimSearch, NodeSight, Ownership } from '../../../src/drafts/nodes/ownership.ts';
import { keptAs, passagesOf } from '../../../src/drafts/text/passages.ts';
import { asError } from '../../../src/lib/errors.ts';
import type { Model } from '../../../src/ml/engine.ts';

interface Stored {
  row: DraftRecord;
  key: string;
  log: LogEvent[];
  /** Of every event, also of those that are compacted. */
  epochs: number[];
}

/** What PostgreSQL keeps for a cluster, in memory: for simulations. The contract suites hold it to what the real ones do. */
export class MemoryCluster {
  readonly drafts = new Map<string, Stored>();
  readonly nodes = new Map<string, NodeSight>();
  readonly store: LogStore = new MemoryLog(this);
  readonly ownership: Ownership = new MemoryOwnership(this);

  raise(stored: Stored, owner: string | null): DraftRecord {
    stored.row = { ...stored.row, owner, epoch: stored.row.epoch + 1 };
    return stored.row;
  }
}

class MemoryLog implements LogStore {
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  create(started: readonly NewLog[]): Promise<boolean> {
    return Promise.resolve(started.every((one) => this.#create(one)));
  }

  #create({ draft: { at, queue: _, idempotencyKey, ...draft }, events }: NewLog): boolean {
    const key = `${draft.listenerId} ${idempotencyKey ?? draft.id}`;
    if ([...this.#cluster.drafts.values()].some((stored) => stored.key === key)) return false;
    const row = draftRecord({
      ...{ ...draft, status: 'QUEUED', finishReason: null, failure: null, text: '', sequence: events.length, epoch: 1 },
      ...{ texts: null, textTurns: null, textsBefore: null, textsUntil: 0, compacted: 0, createdAt: at, updatedAt: at },
      ...{ epochs: [1], epochStarts: [0], lastEpoch: 1 },
    });
    this.#cluster.drafts.set(draft.id, { row, key, log: [...events], epochs: events.map(() => 1) });
    return true;
  }

  append({ fence: { draftId, epoch, sequence }, at, ...addition }: LogAppend): Promise<boolean> {
    const { events } = addition;
    const stored = this.#cluster.drafts.get(draftId);
    if (stored?.row.epoch !== epoch) return Promise.resolve(false);
    const next = sequence + events.length;
    if (stored.row.sequence !== sequence) return Promise.resolve(stored.row.sequence === next);
    stored.log.push(...events);
    stored.epochs.push(...events.map(() => epoch));
    const changes = addition.type === 'turn' ? { turns: addition.turns, ...addition.kept } : {};
    stored.row = { ...folded({ ...stored.row, ...changes, updatedAt: at }, stored.log), lastEpoch: epoch };
    return Promise.resolve(true);
  }

  take(draftId: string, epoch: number): Promise<Fence | null> {
    const row = this.#cluster.drafts.get(draftId)?.row;
    const mine = row?.epoch === epoch && !isTerminal(row.status);
    return Promise.resolve(mine ? { draftId, epoch, sequence: row.sequence } : null);
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  read(draftId: string, after: number, limit: number, epoch: number | null = null): Promise<LogEntry[]> {
    const stored = this.#cluster.drafts.get(draftId);
    if (!stored) return Promise.resolve([]);
    const { epochs } = stored;
    const there = after === 0 ? 0 : epochs[after - 1];
    if (epoch !== null && there !== epoch) return Promise.reject(new DivergedError());
    const from = Math.max(after, stored.row.compacted);
    const events = stored.log.slice(from - stored.row.compacted).slice(0, limit);
    return Promise.resolve(events.map((event, i) => ({ sequence: from + i + 1, epoch: epochs[from + i] ?? 0, event })));
  }

  news(wanted: readonly EntriesWanted[]): Promise<(LogEntry[] | Error)[]> {
    const newsOf = ({ draftId, after, limit, epoch }: EntriesWanted) =>
      this.read(draftId, after, limit, epoch).catch(asError);
    return Promise.all(wanted.map(newsOf));
  }

  summaryOf(draftId: string): Promise<DraftSummary | null> {
    return Promise.resolve(this.#cluster.drafts.get(draftId)?.row ?? null);
  }

  refresh(rows: readonly DraftRecord[]): Promise<DraftRecord[]> {
    return Promise.resolve([...rows]);
  }

  remove(draftId: string, endedBefore?: Date): Promise<boolean> {
    const row = this.#cluster.drafts.get(draftId)?.row;
    const isKept = endedBefore && row && !(isTerminal(row.status) && row.updatedAt < endedBefore);
    return Promise.resolve(!isKept && this.#cluster.drafts.delete(draftId));
  }

  compact(before: Date, limit: number): Promise<number> {
    const old = [...this.#cluster.drafts.values()].filter(
      ({ row }) => isTerminal(row.status) && row.compacted < row.sequence && row.updatedAt < before,
    );
    for (const stored of old.slice(0, limit)) {
      const { row } = stored;
      const passages = passagesOf(row, modelTurns(row).length);
      stored.row = { ...row, ...keptAs(passages, row.sequence), compacted: row.sequence };
      stored.log = [];
    }
    return Promise.resolve(Math.min(limit, old.length));
  }
}

function folded(row: DraftRecord, log: readonly LogEvent[]): DraftRecord {
  const draft = new FoldedDraft(row);
  for (const [i, event] of log.entries())
    draft.add({ sequence: row.compacted + i + 1, epoch: row.epoch, event }, row.updatedAt);
  return draft.now;
}

class MemoryOwnership implements Ownership {
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  join(id: string, models: readonly Model[]): Promise<void> {
    this.#cluster.nodes.set(id, { id, beat: 0, models, isConnected: true });
    return Promise.resolve();
  }

  beat(id: string, models: readonly Model[]): Promise<NodeSight[]> {
    const node = this.#cluster.nodes.get(id);
    if (node) this.#cluster.nodes.set(id, { ...node, beat: node.beat + 1, models });
    return Promise.resolve([...this.#cluster.nodes.values()]);
  }

  bury(id: string, beat: number | null): Promise<boolean> {
    const node = this.#cluster.nodes.get(id);
    if (!node || (beat !== null && node.beat !== beat)) return Promise.resolve(false);
    this.#cluster.nodes.delete(id);
    for (const stored of this.#cluster.drafts.values()) {
      if (stored.row.owner === id && !isTerminal(stored.row.status)) this.#cluster.raise(stored, null);
    }
    return Promise.resolve(true);
  }

  awaited(search: ClaimSearch): Promise<string[]> {
    return Promise.resolve([...new Set(this.#found(search).map(({ row }) => row.modelId))]);
  }

  claim(search: ClaimSearch): Promise<DraftRecord | null> {
    const [oldest] = this.#found(search);
    return Promise.resolve(oldest ? this.#cluster.raise(oldest, search.node) : null);
  }

  leftToOthers(search: ClaimSearch): Promise<string[]> {
    const left = this.#free(search).filter(({ row }) => this.#isLeft(row, search));
    return Promise.resolve(left.map(({ row }) => row.id));
  }

  #found(search: ClaimSearch) {
    return this.#free(search).filter(({ row }) => !this.#isLeft(row, search));
  }

  #isLeft(
    { id, modelId, status, usage: { computedBy } }: DraftRecord,
    { node, models, overdue }: ClaimSearch,
  ): boolean {
    if (status !== 'GENERATING' || computedBy === undefined || overdue.includes(id)) return false;
    const isSame = (model: ClaimSearch['models'][number]) => model.id === modelId && model.fingerprint === computedBy;
    const others = [...this.#cluster.nodes.values()].filter((other) => other.id !== node);
    return !models.some(isSame) && others.some((other) => other.models.some((m) => m.status === 'READY' && isSame(m)));
  }

  #free({ node, models, busy }: ClaimSearch) {
    const isFree = ({ id, owner }: DraftRecord): boolean =>
      owner === null || (owner === node ? !busy.includes(id) : !this.#cluster.nodes.has(owner));
    return [...this.#cluster.drafts.values()]
      .filter(({ row }) => !isTerminal(row.status) && models.some(({ id }) => id === row.modelId) && isFree(row))
      .sort(
        (a, b) =>
          this.#written(a.row) - this.#written(b.row) ||
          a.row.createdAt.getTime() - b.row.createdAt.getTime() ||
          (a.row.id < b.row.id ? -1 : 1),
      );
  }

  /** How many of its listener's drafts have a writer. */
  #written({ listenerId }: DraftRecord): number {
    const rows = [...this.#cluster.drafts.values()].map(({ row }) => row);
    return rows.filter((row) => row.listenerId === listenerId && row.owner !== null && !isTerminal(row.status)).length;
  }

  seize(node: string | null, draftId: string): Promise<DraftRecord | null> {
    const stored = this.#cluster.drafts.get(draftId);
    return Promise.resolve(stored ? this.#cluster.raise(stored, node) : null);
  }

  seizeUnchanged(node: string | null, draftId: string, epoch: number): Promise<number | null> {
    const stored = this.#cluster.drafts.get(draftId);
    const isUnchanged = stored?.row.epoch === epoch && isTerminal(stored.row.status);
    return Promise.resolve(isUnchanged ? this.#cluster.raise(stored, node).epoch : null);
  }

  epochsOf(draftIds: readonly string[]): Promise<Map<string, number>> {
    const known = draftIds.flatMap((id) => {
      const row = this.#cluster.drafts.get(id)?.row;
      return row ? [[id, row.epoch] as const] : [];
    });
    return Promise.resolve(new Map(known));
  }
}
