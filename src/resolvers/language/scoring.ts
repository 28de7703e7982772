import { type ScoredToken, scoreTokens } from '../../language/language.ts';
import { OverloadedError } from '../../lib/errors.ts';
import { isVisitor, type Viewer } from '../../listeners/listeners.ts';
import type { Engine, Usage } from '../../ml/engine.ts';

/** What was used of the engine. */
interface UsedTokens {
  tokensIn: number;
  tokensOut: number;
  engineMs: number;
}

/** Decides whether a text may be read, and counts what it took. */
interface TextMeter {
  /** @throws QuotaExceededError */
  readText<Result>(viewer: Viewer, read: (used: (usage: UsedTokens) => void) => Promise<Result>): Promise<Result>;
}

export interface ScoringOptions {
  engine: Engine;
  meter: TextMeter;
  /** Texts of one listener that are read at once on this node. */
  mostAtOnce: { listener: number; visitor: number };
}

const RETRY_AFTER_MS = 1_000;

/** Scores texts for people, each of whom has as many at once as drafts ([SCORE2]). */
export class TextScoring {
  readonly #options: ScoringOptions;
  readonly #reading = new Map<number, number>();

  constructor(options: ScoringOptions) {
    this.#options = options;
  }

  /** @throws as `scoreTokens`; QuotaExceededError */
  score(viewer: Viewer, text: string, signal: AbortSignal): Promise<ScoredToken[]> {
    return this.withScore(viewer, signal, (score) => score(text));
  }

  /** The same for what takes several scores, one after another, and counts as one text. */
  async withScore<Result>(
    viewer: Viewer,
    signal: AbortSignal,
    work: (score: (text: string) => Promise<ScoredToken[]>) => Promise<Result>,
  ): Promise<Result> {
    const { engine, meter } = this.#options;
    using _ = this.#enter(viewer);
    return await meter.readText(viewer, (used) => {
      const onUsage = ({ promptTokens, completionTokens, engineMs }: Usage): void =>
        used({ tokensIn: promptTokens, tokensOut: completionTokens, engineMs: engineMs ?? 0 });
      const options = { listener: viewer.listener.id, signal, onUsage };
      return work((text) => scoreTokens(engine, text, options));
    });
  }

  #enter({ listener }: Viewer): Disposable {
    const { mostAtOnce } = this.#options;
    const most = isVisitor(listener) ? mostAtOnce.visitor : mostAtOnce.listener;
    const reading = this.#reading.get(listener.id) ?? 0;
    if (reading >= most)
      throw new OverloadedError(`You have ${reading} texts scored at once, which is all you may have`, RETRY_AFTER_MS);
    this.#reading.set(listener.id, reading + 1);
    return { [Symbol.dispose]: () => this.#leave(listener.id) };
  }

  #leave(listenerId: number): void {
    const left = (this.#reading.get(listenerId) ?? 1) - 1;
    if (left > 0) this.#reading.set(listenerId, left);
    else this.#reading.delete(listenerId);
  }
}
