import { InvalidInputError } from '../../lib/errors.ts';
import type { Viewer } from '../../listeners/listeners.ts';
import type { Draft, StartDraftInput } from '../contract.ts';
import { checkPrompt, checkTitle, resolveAlternatives, titleFrom } from '../draft-input.ts';
import type { TurnVerse } from '../log/stored.ts';
import { NO_TEXT } from '../text/passages.ts';
import { tuneTaskOf } from '../tune-draft.ts';
import { noUsage } from '../turns/draft-writer.ts';
import { checkFormat } from '../turns/format-turn.ts';
import { checkForm, defaultVerse, startVerse } from '../turns/verse-turn.ts';
import type { DraftAccess } from './access.ts';
import type { NewDrafts, NewText } from './new-drafts.ts';
import type { Places } from './places.ts';
import { askedOf } from './repetitions.ts';

interface StartingOptions {
  access: DraftAccess;
  places: Places;
  newDrafts: NewDrafts;
  /** Draws seeds: a float in [0, 1). */
  random: () => number;
}

/** Starts drafts from a prompt. */
export class Starting {
  readonly #options: StartingOptions;

  constructor(options: StartingOptions) {
    this.#options = options;
  }

  async start(viewer: Viewer, input: StartDraftInput): Promise<Draft> {
    const { access, places, newDrafts, random } = this.#options;
    const { kind, visibility } = input;
    const prompt = checkPrompt(input.prompt);
    const title = input.title == null ? titleFrom(prompt) : checkTitle(input.title);
    const [drawn, ...others] = resolveAlternatives(input, random);
    checkForm(input.form);
    const format = checkFormat(input);
    const asked = askedOf(input);
    const repeated = asked && (await access.startedBy(viewer, asked));
    if (repeated) return repeated;
    const find = access.finderFor(viewer);
    const circumstances = { ...drawn, kind, prompt, find };
    const verse = await (input.form == null && !format
      ? defaultVerse(circumstances)
      : startVerse(input.form, circumstances));
    const tunes = await Promise.all(
      [drawn, ...others].map(async (sampling) => ({
        sampling,
        tune: await tuneTaskOf(input, { seed: sampling.seed, title, find }),
      })),
    );
    const modelId = places.chooseModel(kind, input.modelId);
    const place = {
      instruction: null,
      from: 1,
      before: noUsage,
      model: places.digestOf(modelId),
      asked: null,
      at: null,
    };
    const about = { kind, title, prompt, visibility: visibility ?? 'PRIVATE', modelId } as const;
    const textsWith = (form: TurnVerse | null): NewText[] =>
      tunes.map(({ sampling: own, tune }) => {
        const sampling = places.sized(own, input.sampling, { modelId, tune, format, verse: form });
        const turns = [{ ...place, sampling, verse: form, format, tune }] as const;
        return { ...about, parentId: null, origin: null, turns, kept: NO_TEXT };
      });
    try {
      return await newDrafts.begin(viewer, textsWith(verse), asked);
    } catch (error) {
      // The model cannot keep a form that nobody asked for, or has no room for it. Nothing was started.
      if (!verse?.byDefault || !(error instanceof InvalidInputError)) throw error;
      return newDrafts.begin(viewer, textsWith(null), asked);
    }
  }
}
