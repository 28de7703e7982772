import type { Viewer } from '../../listeners/listeners.ts';
import type { Sampling } from '../../ml/engine.ts';
import type { AssistDraftInput, AssistDrafts, Draft } from '../contract.ts';
import { checkInstruction, resolveAlternatives } from '../draft-input.ts';
import type { Turn } from '../log/stored.ts';
import { NO_TEXT } from '../text/passages.ts';
import { tuneTaskOf } from '../tune-draft.ts';
import { noUsage } from '../turns/draft-writer.ts';
import { continued } from '../turns/rewrite-prompt.ts';
import { checkForm, startVerse } from '../turns/verse-turn.ts';
import type { DraftAccess } from './access.ts';
import type { NewDrafts, NewText } from './new-drafts.ts';
import type { Places } from './places.ts';
import { askedOf } from './repetitions.ts';

/** A passage gets half as many tokens as it has code units, and these. */
const MORE_TOKENS = 64;

interface AssistingOptions {
  access: DraftAccess;
  places: Places;
  newDrafts: NewDrafts;
  /** Draws seeds: a float in [0, 1). */
  random: () => number;
}

/** Starts drafts that are written for documents: who writes them into one reads their logs. */
export class Assisting {
  readonly #options: AssistingOptions;

  constructor(options: AssistingOptions) {
    this.#options = options;
  }

  async assist(viewer: Viewer, input: AssistDraftInput, store: (begun: AssistDrafts) => Promise<void>): Promise<Draft> {
    const { access, newDrafts, random } = this.#options;
    checkInstruction(input.origin.instruction);
    const samplings = resolveAlternatives(input, random);
    checkForm(input.form);
    const asked = askedOf(input.request);
    const repeated = asked && (await access.startedBy(viewer, asked));
    if (repeated) return repeated;
    const modelId = this.#options.places.chooseModel(input.kind, input.modelId);
    const texts = await Promise.all(samplings.map((drawn) => this.#textOf(viewer, input, { drawn, modelId })));
    const digest = this.#options.places.digestOf(modelId);
    return newDrafts.begin(viewer, texts, asked, (planned) =>
      store({
        ...{ modelId, digest, draftIds: planned.map(({ draftId }) => draftId) },
        samplings: texts.map(({ turns }) => turns[0].sampling),
        messages: planned[0]?.request.messages ?? [],
      }),
    );
  }

  async #textOf(
    viewer: Viewer,
    input: AssistDraftInput,
    { drawn, modelId }: { drawn: Sampling; modelId: string },
  ): Promise<NewText> {
    const { access, places } = this.#options;
    const { origin, kind, title } = input;
    const find = access.finderFor(viewer);
    const prompt = origin.instruction ?? title;
    const answer = origin.task === 'CONTINUE' ? continued(origin) : '';
    const verse = await startVerse(input.form, { ...drawn, kind, find }, answer);
    const tune = await tuneTaskOf({ ...input, prompt }, { seed: drawn.seed, title, find });
    const most = Math.max(drawn.maxTokens, MORE_TOKENS + Math.ceil(origin.passage.length / 2));
    const room = origin.task === 'REWRITE' && input.sampling?.maxTokens == null ? { maxTokens: most } : {};
    const sampling = places.sized({ ...drawn, ...room }, input.sampling, { modelId, tune, verse, format: null });
    const place = { instruction: null, from: 1, before: noUsage, model: places.digestOf(modelId) };
    const turn: Turn = { ...place, sampling, asked: null, at: null, verse, format: null, tune };
    const about = { kind, title, prompt, visibility: 'PRIVATE', modelId, parentId: null } as const;
    return { ...about, origin: { type: 'ASSIST', ...origin }, turns: [turn], kept: NO_TEXT };
  }
}
