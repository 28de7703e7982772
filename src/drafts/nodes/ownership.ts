import type { Database } from '../../db/client.ts';
import type { DraftRow } from '../../db/queries/draft-queries.ts';
import * as queries from '../../db/queries/ownership-queries.ts';
import type { Model } from '../../ml/engine.ts';

/** What is known of a node: it lives as long as its beat goes up. */
export interface NodeSight {
  id: string;
  beat: number;
  /** What its engine writes with. */
  models: readonly Model[];
}

/**
 * Which node writes which draft. A node's lease on its drafts is its row among the nodes: as long as it is there and beats,
 * nobody takes them; once it is buried, it can append nothing more, and anybody may.
 */
export interface Ownership {
  join(node: string, models: readonly Model[]): Promise<void>;
  /** A sign of life and a look at all nodes; a node that is not among them was buried. */
  beat(node: string, models: readonly Model[]): Promise<NodeSight[]>;
  /** Unless it has beaten since (null: in any case), removes the node and raises the epoch of what it was writing. */
  bury(node: string, beat: number | null): Promise<boolean>;
  /** Of these models, those for which `claim` would find a draft; whose is the oldest first. */
  awaited(node: string, models: readonly string[], busy: readonly string[]): Promise<string[]>;
  /**
   * Takes the oldest draft that waits for one of these models and nobody writes, raising its epoch. One of the node's own that
   * is not among those it is busy with is one whose answer was lost: nobody writes that either.
   */
  claim(node: string, models: readonly string[], busy: readonly string[]): Promise<DraftRow | null>;
  /** Takes a draft whoever has it, raising its epoch. @returns null when there is no such draft */
  seize(node: string | null, draftId: string): Promise<DraftRow | null>;
  /** The latest epoch of each; of a draft that is gone, none. */
  epochsOf(draftIds: readonly string[]): Promise<Map<string, number>>;
}

export class PostgresOwnership implements Ownership {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  join(node: string, models: readonly Model[]): Promise<void> {
    return queries.insertNode(this.#database.db, node, models);
  }

  async beat(node: string, models: readonly Model[]): Promise<NodeSight[]> {
    return (await queries.beatAndLook(this.#database, node, models)) as NodeSight[];
  }

  bury(node: string, beat: number | null): Promise<boolean> {
    return queries.buryNode(this.#database, node, beat);
  }

  awaited(node: string, models: readonly string[], busy: readonly string[]): Promise<string[]> {
    return queries.selectAwaitedModels(this.#database.db, node, models, busy);
  }

  claim(node: string, models: readonly string[], busy: readonly string[]): Promise<DraftRow | null> {
    return queries.claimDraft(this.#database.db, node, models, busy);
  }

  seize(node: string | null, draftId: string): Promise<DraftRow | null> {
    return queries.seizeDraft(this.#database.db, node, draftId);
  }

  epochsOf(draftIds: readonly string[]): Promise<Map<string, number>> {
    return queries.selectEpochs(this.#database.db, draftIds);
  }
}
