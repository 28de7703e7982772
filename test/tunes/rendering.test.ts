import { afterAll, describe, expect, it } from 'vitest';
import { createTuneRenderer, INSTRUMENTS, readTuneView } from '../../src/tunes/rendering.ts';
import { CAROUSEL, HARBOUR } from '../support/tunes/tunes.ts';

const renderer = createTuneRenderer();
afterAll(() => renderer[Symbol.asyncDispose]());

const samplesOf = (wav: Uint8Array) => new Int16Array(wav.slice(44).buffer);

/** Notes of a Standard MIDI File: what is switched on, and when it ends, in quarters. */
function readMidi(file: Uint8Array) {
  const bytes = Buffer.from(file);
  const division = bytes.readUInt16BE(12);
  const notes: number[] = [];
  let [at, time] = [22, 0];
  while (at < bytes.length) {
    let delta = 0;
    do delta = delta * 128 + (bytes[at]! & 127);
    while (bytes[at++]! > 127);
    time += delta;
    const status = bytes[at++]!;
    if (status === 0xff) at += 2 + bytes[at + 1]!;
    else at += status >> 4 === 0xc ? 1 : 2;
    if (status === 0x90) notes.push(bytes[at - 2]!);
  }
  return { notes, quarters: time / division };
}

describe('a tune as data', () => {
  it('has its form, its length with repeats, and its notes as they are played', () => {
    const view = readTuneView(CAROUSEL);
    expect(view).toMatchObject({ key: 'G', mode: 'MAJOR', metre: '6/8', form: 'AABB', tempo: 120, problems: [] });
    // Sixteen bars twice, and the pickup; three quarters a bar, two quarters a second.
    expect(view.duration).toBeCloseTo((32 * 3 + 0.5) / 2, 6);
    expect(view.notes[0]).toEqual({ pitch: 'D4', midi: 62, start: 0, duration: 0.25 });
    expect(view.bars.every(({ exact }) => exact)).toBe(true);
    expect(readTuneView('K:D\n').bars).toEqual([]);
  });

  it('plays tied notes as one, and grace notes before theirs', () => {
    const { notes } = readTuneView('M:4/4\nL:1/4\nQ:1/4=60\nK:C\nA2-A{B}c|');
    expect(notes.map(({ pitch, start, duration }) => [pitch, start, duration])).toEqual([
      ['A4', 0, 3],
      ['B4', 3, 0.125],
      ['C5', 3.125, 0.875],
    ]);
  });
});

describe('a tune as MIDI', () => {
  it('has the notes and the length of the score', () => {
    for (const abc of [CAROUSEL, HARBOUR]) {
      const view = readTuneView(abc);
      const { notes, quarters } = readMidi(renderer.midi(abc, 'FIDDLE'));
      expect(notes.toSorted()).toEqual(view.notes.map(({ midi }) => midi).toSorted());
      expect((quarters * 60) / view.tempo).toBeCloseTo(view.duration, 3);
    }
  });
});

describe('[TUNE14] a tune as sheet music', () => {
  it('is one drawing with its title and no script or reference', async () => {
    const svg = await renderer.svg(CAROUSEL, 740);
    expect(svg).toMatch(/^<svg [^>]*width="740"/);
    expect(svg).toContain('The Carousel at Dusk');
    expect(svg.match(/<svg\b/g)).toHaveLength(1);
    expect((svg.match(/<path/g) ?? []).length).toBeGreaterThan(20);
  });

  it('is drawn while the tune is still being written', async () => {
    for (const part of ['X:1\n', 'K:D\n', CAROUSEL.slice(0, 60), CAROUSEL.slice(0, 95), `${HARBOUR}[`])
      expect(await renderer.svg(part, 400)).toMatch(/^<svg .*<\/svg>$/s);
  });

  it('contains nothing that a hostile tune would bring in', async () => {
    const hostile = [
      'T:<script>alert(1)</script><image href="x" onload="alert(1)"/>',
      'C:"><a href="javascript:alert(1)">x</a>',
      '%%beginjs\nthrow 1\n%%endjs',
      '%%beginsvg\n<script>alert(1)</script>\n%%endsvg',
      '%%fullsvg 1\n%%textoption 2\n%%text <img src=x onerror=alert(1)>',
      'I:beginsvg',
      'U:n=!<script>!',
    ];
    for (const line of hostile) {
      const svg = await renderer.svg(
        `X:1\n${line}\nM:4/4\nK:D\n"<script>x</script>"AB[I:text <script>]cd|\nw:<script>`,
        740,
      );
      expect(svg).not.toMatch(/<(script|image|img|a|foreignObject|iframe)\b/i);
      expect(svg).not.toMatch(/<[^>]*\s(on\w+|href)=/i);
    }
  });
});

describe('a tune as sound', () => {
  it.each(Object.keys(INSTRUMENTS) as (keyof typeof INSTRUMENTS)[])(
    'is as long as the score on the %s, without silence and clipping',
    async (instrument) => {
      const wav = await renderer.wav(HARBOUR, instrument);
      const samples = samplesOf(wav);
      const { duration } = readTuneView(HARBOUR);
      expect(samples.length / 22_050).toBeCloseTo(duration + 1.5, 1);
      expect(samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeLessThan(32_000);
      for (let from = 0; from + 22_050 < duration * 22_050; from += 22_050) {
        const second = samples.subarray(from, from + 22_050);
        const loudness = Math.sqrt(second.reduce((sum, sample) => sum + sample * sample, 0) / second.length);
        expect(loudness, `from sample ${from}`).toBeGreaterThan(300);
      }
    },
  );

  it('ends after five minutes, and keeps what was rendered', async () => {
    const long = `M:4/4\nL:1/1\nQ:1/4=60\nK:D\n${'D2|'.repeat(60)}`;
    const wav = await renderer.wav(long, 'FLUTE');
    expect(samplesOf(wav).length).toBe(Math.ceil(301.5 * 22_050));
    expect(await renderer.wav(long, 'FLUTE')).toBe(wav);
  });

  it('of a tune without notes is silence', async () => {
    expect(samplesOf(await renderer.wav('K:D\n', 'HARP')).every((sample) => sample === 0)).toBe(true);
  });
});
