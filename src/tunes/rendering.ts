import { parseTune } from './abc/parse-tune.ts';
import { midiFile } from './render/midi-file.ts';
import { perform } from './render/performance.ts';
import { RenderThread } from './render/renderer.ts';

export { readTuneView, type TuneView } from './render/tune-view.ts';

/** The instruments that tunes are played on, by their numbers in General MIDI, from 0. */
export const INSTRUMENTS = { FIDDLE: 110, FLUTE: 73, HARP: 46, GUITAR: 24 } as const;
export type Instrument = keyof typeof INSTRUMENTS;

/** Tunes as sheet music and sound. */
export interface TuneRenderer extends AsyncDisposable {
  /** Sheet music as SVG. @param width in CSS pixels @throws OverloadedError; Error if it cannot be engraved */
  svg(abc: string, width: number): Promise<string>;
  /** A Standard MIDI File. */
  midi(abc: string, instrument: Instrument): Uint8Array;
  /** A WAV file: 16 bits, mono, 22,050 Hz, the first five minutes. @throws as `svg` */
  wav(abc: string, instrument: Instrument): Promise<Uint8Array>;
}

export function createTuneRenderer(): TuneRenderer {
  const thread = new RenderThread();
  return {
    svg: async (abc, width) => String(await thread.render({ type: 'svg', abc, width })),
    midi: (abc, instrument) => {
      const tune = parseTune(abc);
      return midiFile(perform(tune), tune.title, INSTRUMENTS[instrument]);
    },
    wav: async (abc, instrument) => {
      const job = { type: 'wav', performance: perform(parseTune(abc)), program: INSTRUMENTS[instrument] } as const;
      const wav = await thread.render(job);
      return typeof wav === 'string' ? new TextEncoder().encode(wav) : wav;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
