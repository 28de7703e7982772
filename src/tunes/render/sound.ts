import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BasicSoundBank, SoundBankLoader, SpessaSynthProcessor } from 'spessasynth_core';
import { type Performance, secondsOf } from './performance.ts';

const SAMPLE_RATE = 22_050;
/** A longer tune is rendered up to here. */
const MOST_SECONDS = 300;
/** The time in which the last note dies away. */
const TAIL_SECONDS = 1.5;
const BLOCK = 128;
const CHANNEL = 0;
const VELOCITY = 96;
/** The loudest sample, so that nothing is clipped. */
const PEAK = 0.89;

const FONT = fileURLToPath(new URL('../../../assets/sounds/tunes.sf3', import.meta.url));
let bank: BasicSoundBank | null = null;

/** Renders a tune as 16-bit mono samples in a WAV file. @param program the instrument in General MIDI, from 0 */
export async function renderWav(performance: Performance, program: number): Promise<Uint8Array> {
  await BasicSoundBank.isSF3DecoderReady;
  bank ??= SoundBankLoader.fromArrayBuffer(new Uint8Array(readFileSync(FONT)).buffer);
  const synth = new SpessaSynthProcessor(SAMPLE_RATE, { effectsEnabled: false, eventsEnabled: false });
  await synth.processorInitialized;
  synth.soundBankManager.addSoundBank(bank, 'tunes');
  synth.programChange(CHANNEL, program);
  return wavFile(play(synth, performance));
}

function play(synth: SpessaSynthProcessor, { notes, ticks, tempo }: Performance): Float32Array {
  const seconds = Math.min(MOST_SECONDS, secondsOf(ticks, tempo)) + TAIL_SECONDS;
  const samples = Math.ceil(seconds * SAMPLE_RATE);
  const at = (tick: number) => Math.round(secondsOf(tick, tempo) * SAMPLE_RATE);
  const events = notes.flatMap(({ pitch, start, ticks: length }) => [
    { at: at(start), on: true, pitch },
    { at: at(start + length), on: false, pitch },
  ]);
  events.sort((a, b) => a.at - b.at || Number(a.on) - Number(b.on));
  const [left, right] = [new Float32Array(samples), new Float32Array(samples)];
  let next = 0;
  for (let position = 0; position < samples;) {
    for (let event = events[next]; event && event.at <= position; event = events[++next]) {
      if (event.on) synth.noteOn(CHANNEL, event.pitch, VELOCITY);
      else synth.noteOff(CHANNEL, event.pitch);
    }
    const length = Math.min(BLOCK, samples - position, (events[next]?.at ?? samples) - position || BLOCK);
    synth.process(left, right, position, length);
    position += length;
  }
  return left.map((sample, i) => (sample + (right[i] ?? 0)) / 2);
}

function wavFile(samples: Float32Array): Uint8Array {
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-6);
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0, 'ascii');
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8, 'ascii');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(2 * SAMPLE_RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'ascii');
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, i) => bytes.writeInt16LE(Math.round((sample / loudest) * PEAK * 32_767), 44 + 2 * i));
  return bytes;
}
