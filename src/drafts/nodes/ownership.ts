import type { Database } from '../../db/client.ts';
import * as queries from '../../db/drafts/ownership-queries.ts';
import { StoredDataError } from '../../lib/stored-data.ts';
import type { Payer } from '../../listeners/listeners.ts';
import type { Model } from '../../ml/engine.ts';
import { type DraftRecord, draftRecord } from '../log/stored.ts';
import { readableModels } from './node-models.ts';

/** A node as others see it: it is alive as long as its beat increases. */
export interface NodeSight {
  id: string;
  beat: number;
  /** The models of its engine. */
  models: readonly Model[];
  /** Whether a connection of its process to the database can be seen. */
  isConnected: boolean;
}

/** The drafts that a node looks for. */
export interface ClaimSearch {
  node: string;
  /** The models that it writes with, and what identifies how it computes with each. */
  models: readonly Pick<Model, 'id' | 'fingerprint'>[];
  /** The drafts that it is at work on. Others that it owns are those whose claim's answer was lost. */
  busy: readonly string[];
  /** The drafts that it no longer leaves to nodes that compute as what had begun them. */
  overdue: readonly string[];
}

/** A draft that was claimed and whose row is damaged. Unless it is ended, it would be claimed again and again. */
export class UnreadableDraft {
  readonly id: string;
  readonly epoch: number;
  readonly damage: StoredDataError;

  constructor(id: string, epoch: number, damage: StoredDataError) {
    this.id = id;
    this.epoch = epoch;
    this.damage = damage;
  }
}

/**
 * Which node writes which draft. A node's row is its lease on its drafts: as long as the row exists and its beat
 * increases, nobody takes them. Once it has been removed, the node can append nothing more, and any node may take the
 * drafts.
 */
export interface Ownership {
  join(node: string, models: readonly Model[]): Promise<void>;
  /** Sends a heartbeat and returns all nodes. A node that is not among them has been declared dead. */
  beat(node: string, models: readonly Model[]): Promise<NodeSight[]>;
  /** Removes the node and raises the epoch of its drafts, unless there was a heartbeat since (null: in any case). */
  bury(node: string, beat: number | null): Promise<boolean>;
  /** The models of a search for which `claim` would find a draft, the oldest draft's first. */
  awaited(search: ClaimSearch): Promise<string[]>;
  /** Claims the oldest unowned draft that waits for one of these models, and raises its epoch. */
  claim(search: ClaimSearch): Promise<DraftRecord | UnreadableDraft | null>;
  /**
   * The drafts that `claim` leaves to others: those that were being written, if this node computes otherwise than what
   * wrote them and a living node computes as that did ([OWN8]).
   */
  leftToOthers(search: ClaimSearch): Promise<string[]>;
  /** Takes a draft from any owner and raises its epoch. @returns null if there is no such draft */
  seize(node: string | null, draftId: string): Promise<DraftRecord | null>;
  /**
   * The same for a draft that has ended and whose epoch is still this one.
   * @returns its new epoch; null if somebody else has taken or continued it since, or it is gone
   */
  seizeUnchanged(node: string | null, draftId: string, epoch: number, payer: Payer | null): Promise<number | null>;
  /** The latest epoch of each draft. Drafts that are gone are absent. */
  epochsOf(draftIds: readonly string[]): Promise<Map<string, number>>;
}

export class PostgresOwnership implements Ownership {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  join(node: string, models: readonly Model[]): Promise<void> {
    return queries.insertNode(this.#database, node, models);
  }

  async beat(node: string, models: readonly Model[]): Promise<NodeSight[]> {
    const nodes = await queries.beatAndLook(this.#database, node, models);
    return nodes.map((row) => ({ ...row, models: readableModels(row.models) }));
  }

  bury(node: string, beat: number | null): Promise<boolean> {
    return queries.buryNode(this.#database, node, beat);
  }

  awaited(search: ClaimSearch): Promise<string[]> {
    return queries.selectAwaitedModels(this.#database.db, search);
  }

  leftToOthers(search: ClaimSearch): Promise<string[]> {
    return queries.selectLeftToOthers(this.#database.db, search);
  }

  async claim(search: ClaimSearch): Promise<DraftRecord | UnreadableDraft | null> {
    const row = await queries.claimDraft(this.#database, search);
    try {
      return row && draftRecord(row);
    } catch (error) {
      if (row && error instanceof StoredDataError) return new UnreadableDraft(row.id, row.epoch, error);
      throw error;
    }
  }

  async seize(node: string | null, draftId: string): Promise<DraftRecord | null> {
    const row = await queries.seizeDraft(this.#database, node, draftId);
    return row && draftRecord(row);
  }

  seizeUnchanged(node: string | null, draftId: string, epoch: number, payer: Payer | null): Promise<number | null> {
    return queries.seizeUnchanged(this.#database.db, node, { draftId, epoch, payer });
  }

  epochsOf(draftIds: readonly string[]): Promise<Map<string, number>> {
    return queries.selectEpochs(this.#database.db, draftIds);
  }
}
