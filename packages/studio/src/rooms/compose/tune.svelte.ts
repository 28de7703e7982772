import type { Instrument, TuneQuery } from '../../generated/graphql.ts';
import { ask } from '../../server/request.ts';
import { TUNE } from './operations.ts';

export type Tune = NonNullable<NonNullable<TuneQuery['draft']>['tune']>;

/** While a tune is being written it is engraved this often. */
const EVERY_MS = 900;

/** A tune as far as it is written. */
export class GrowingTune {
  tune = $state.raw<Tune | null>(null);
  problem = $state.raw<unknown>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Reads the tune soon, once for all that is asked meanwhile. */
  read(id: string, instrument: Instrument, isBeingWritten: boolean): void {
    clearTimeout(isBeingWritten ? undefined : this.#timer);
    if (isBeingWritten && this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#read(id, instrument), isBeingWritten ? EVERY_MS : 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #read(id: string, instrument: Instrument): Promise<void> {
    this.#timer = undefined;
    try {
      this.tune = (await ask(TUNE, { id, instrument })).draft?.tune ?? null;
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
  }
}
