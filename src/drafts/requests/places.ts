import type { Database } from '../../db/client.ts';
import type { NewDraft } from '../../db/drafts/draft-inserts.ts';
import { checkListenerHasRoom, checkQueueHasRoom } from '../../db/drafts/draft-queue.ts';
import { InvalidInputError, ModelUnavailableError } from '../../lib/errors.ts';
import type { Forecast } from '../../lib/fair-share.ts';
import { isVisitor, type Viewer } from '../../listeners/listeners.ts';
import type { Engine, Sampling } from '../../ml/engine.ts';
import type { DraftKind, DraftMeter, SamplingInput } from '../contract.ts';
import type { Fence } from '../log/log-store.ts';
import type { DraftRecord, Turn } from '../log/stored.ts';
import { tuneSampling } from '../tune-draft.ts';
import type { BeginningTurn, DraftTurns, TurnStart } from '../turns/draft-turns.ts';
import { formatSampling } from '../turns/format-turn.ts';
import { verseSampling } from '../turns/verse-turn.ts';

/** A turn that is to begin if there is a place for it. */
export interface PlannedTurn extends TurnStart {
  draftId: string;
  modelId: string;
}

/** Numbers of drafts that wait or are being written: one listener's who has signed in, and one visitor's. */
export interface MostAtOnce {
  listener: number;
  visitor: number;
}

/** The engine's models and places, for turns that are about to begin. */
export class Places {
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #turns: DraftTurns;
  readonly #mostAtOnce: MostAtOnce;
  readonly #meter: DraftMeter | null;

  constructor(
    database: Database,
    engine: Engine,
    turns: DraftTurns,
    mostAtOnce: MostAtOnce,
    meter: DraftMeter | null = null,
  ) {
    this.#database = database;
    this.#engine = engine;
    this.#turns = turns;
    this.#mostAtOnce = mostAtOnce;
    this.#meter = meter;
  }

  /** @throws InvalidInputError, ModelUnavailableError */
  chooseModel(kind: DraftKind, modelId: string | null | undefined): string {
    const task = kind === 'TUNE' ? 'TUNE_GENERATION' : 'TEXT_GENERATION';
    const model =
      modelId == null ? this.#engine.defaultModel(task) : this.#engine.models().find(({ id }) => id === modelId);
    if (!model && modelId != null)
      throw new InvalidInputError(`input.modelId: there is no model "${modelId}"`, 'input.modelId');
    if (!model) throw new ModelUnavailableError(`There is no model that writes a ${kind} yet`);
    if (model.task === task) return model.id;
    throw new InvalidInputError(`input.modelId: ${model.name} does not write a ${kind}`, 'input.modelId');
  }

  digestOf(modelId: string): string | null {
    return this.#engine.models().find(({ id }) => id === modelId)?.digest ?? null;
  }

  /** The forecast of this node's engine, or of the other nodes'. */
  #forecastOf(modelId: string): Forecast | null {
    const here = this.#engine.load().find((model) => model.modelId === modelId);
    return here?.forecast ?? this.#engine.models().find(({ id }) => id === modelId)?.forecast ?? null;
  }

  /** Who is to write a new draft, and what limits the number of such drafts. */
  bounds(viewer: Viewer, modelId: string): Pick<NewDraft, 'owner' | 'queue' | 'mostAtOnce' | 'forecast'> {
    const forecast = this.#forecastOf(modelId);
    const { owner, queue: most } = this.#turns.assignment;
    return { owner, queue: most === null ? null : { most, forecast }, mostAtOnce: this.#mostOf(viewer), forecast };
  }

  #mostOf({ listener }: Viewer): number {
    return isVisitor(listener) ? this.#mostAtOnce.visitor : this.#mostAtOnce.listener;
  }

  /** Unless a number of tokens is asked for, a tune may have as many as its plan takes, and a verse or an answer as its form. */
  sized(
    drawn: Sampling,
    asked: SamplingInput | null | undefined,
    { modelId, tune, verse, format }: Pick<Turn, 'tune' | 'verse' | 'format'> & { modelId: string },
  ): Sampling {
    if (asked?.maxTokens != null) return drawn;
    if (format) return formatSampling(drawn, format);
    if (verse) return verseSampling(drawn, verse);
    const contextTokens = this.#engine.models().find(({ id }) => id === modelId)?.contextTokens ?? null;
    return tune ? tuneSampling(drawn, tune, contextTokens) : drawn;
  }

  /** @throws OverloadedError if the draft cannot be continued now */
  async checkRoom(viewer: Viewer, { listenerId, modelId }: DraftRecord): Promise<void> {
    const { db } = this.#database;
    const forecast = this.#forecastOf(modelId);
    await checkListenerHasRoom(db, listenerId, this.#mostOf(viewer) - 1, forecast);
    const { queue: most } = this.#turns.assignment;
    if (most !== null) await db.transaction((tx) => checkQueueHasRoom(tx, listenerId, { most, forecast }));
  }

  /**
   * Reserves a place for each turn and gives all back on failure: nothing is stored before the engine has accepted the
   * drafts. Once the turns have begun, the places belong to their writers, and a later failure must not cancel them
   * ([DRAFT8]).
   */
  begin(
    viewer: Viewer,
    planned: readonly PlannedTurn[],
    record: () => Promise<readonly Fence[] | null>,
  ): Promise<boolean> {
    const begin = (): Promise<boolean> => this.#begin(planned, record);
    return this.#meter ? this.#meter.startDrafts(viewer, planned.length, begin) : begin();
  }

  async #begin(planned: readonly PlannedTurn[], record: () => Promise<readonly Fence[] | null>): Promise<boolean> {
    const beginning: BeginningTurn[] = [];
    try {
      for (const { draftId, modelId, ...turn } of planned) {
        beginning.push({ draftId, ticket: this.#engine.admit(modelId, turn.request), turn });
        this.#engine.checkFits(modelId, turn.request);
      }
      return await this.#turns.begin(beginning, record);
    } catch (error) {
      for (const { ticket } of beginning) ticket[Symbol.dispose]();
      throw error;
    }
  }
}
