import { type Draft, tuneTextOf } from '../../drafts/drafts.ts';
import { InvalidInputError } from '../../lib/errors.ts';
import { type Instrument, INSTRUMENTS, readTuneView, type TuneView } from '../../tunes/rendering.ts';
import type { Context } from '../context.ts';
import type { TuneRight } from './tune-links.ts';

/** A draft's tune, however far it has been written. */
export interface DraftTune extends TuneView {
  draft: Draft;
}

const [NARROWEST, WIDEST] = [320, 2000];

/** Null for texts without a tune, and for a tune whose header has not been written yet. */
export async function tuneOf(draft: Draft): Promise<DraftTune | null> {
  const abc = await tuneTextOf(draft);
  return abc === null || abc === '' ? null : { ...readTuneView(abc), draft };
}

export function sheetOf({ abc }: DraftTune, width: number, { tunes }: Context): Promise<string> {
  if (!(width >= NARROWEST && width <= WIDEST))
    throw new InvalidInputError(`width must be ${NARROWEST} to ${WIDEST}, not ${width}`, 'width');
  return tunes.renderer.svg(abc, width);
}

export const linkOf = ({ draft }: DraftTune, file: 'midi' | Instrument, { tunes, viewer }: Context): string =>
  tunes.links.pathOf(draft.id, viewer, file);

export interface TuneFile {
  bytes: Uint8Array;
  type: string;
}

/** A file of a tune, for whoever has a link to it. Null if the draft is gone, is no longer shared, or has no such file. */
export async function tuneFile(
  { draftId, listenerId, admin }: TuneRight,
  file: string,
  { tunes, drafts, listeners }: Pick<Context, 'tunes' | 'drafts' | 'listeners'>,
): Promise<TuneFile | null> {
  const listener = (await listeners.byIds([listenerId])).get(listenerId);
  if (!listener) return null;
  const viewer = { listener, roles: new Set([admin ? ('ADMIN' as const) : ('LISTENER' as const)]) };
  const draft = (await drafts.byIds(viewer, [draftId])).get(draftId);
  const abc = draft ? await tuneTextOf(draft) : null;
  if (abc === null) return null;
  if (file === 'tune.mid') return { bytes: tunes.renderer.midi(abc, 'FIDDLE'), type: 'audio/midi' };
  const instrument = (Object.keys(INSTRUMENTS) as Instrument[]).find((name) => file === `${name.toLowerCase()}.wav`);
  return instrument ? { bytes: await tunes.renderer.wav(abc, instrument), type: 'audio/wav' } : null;
}
