import { builder } from '../builder.ts';

export const ModeType = builder.enumType('Mode', {
  description: 'The scale of a key.',
  values: {
    MAJOR: { description: 'Major (Ionian).' },
    MINOR: { description: 'Natural minor (Aeolian).' },
    DORIAN: { description: 'Minor with a major sixth.' },
    MIXOLYDIAN: { description: 'Major with a minor seventh.' },
    PHRYGIAN: { description: 'Minor with a minor second.' },
    LYDIAN: { description: 'Major with an augmented fourth.' },
    LOCRIAN: { description: 'Minor with a minor second and a diminished fifth.' },
  } as const,
});

const TuneKindType = builder.enumType('TuneKind', {
  description: 'The kind of tune, which determines its metres.',
  values: {
    JIG: { description: 'A dance in 6/8.' },
    SLIP_JIG: { description: 'A dance in 9/8.' },
    REEL: { description: 'A fast dance in C|, C, 4/4, 2/2 or 2/4.' },
    HORNPIPE: { description: 'A dance with dotted notes, in the metres of a reel.' },
    STRATHSPEY: { description: 'A slow dance in C or 4/4, with snaps.' },
    POLKA: { description: 'A dance in 2/4.' },
    WALTZ: { description: 'A dance in 3/4.' },
    MARCH: { description: 'A march in 2/4, C, 4/4, C|, 2/2 or 6/8.' },
    AIR: { description: 'A slow melody in 3/4, C, 4/4, 2/4 or 6/8.' },
  } as const,
});

const PitchRangeInput = builder.inputType('PitchRangeInput', {
  description: 'The pitches that a tune may use: C2 to C7, at least 11 semitones.',
  fields: (t) => ({
    lowest: t.string({ description: 'The lowest pitch, for example `G3` or `Bb3`; by default A3. C4 is middle C.' }),
    highest: t.string({ description: 'The highest pitch; by default B5.' }),
  }),
});

const MoodInput = builder.inputType('MoodInput', {
  description:
    'A mood, in numbers or words. It sets mode, tempo, density and range by a published table; settings of their own ' +
    'take precedence.',
  fields: (t) => ({
    valence: t.float({ description: 'How pleasant: -1 to 1. By default that of the words, or 0.' }),
    arousal: t.float({ description: 'How excited: -1 to 1. By default that of the words, or 0.' }),
    draftId: t.id({ description: 'The `id` of a draft whose mood it is. Excludes the others.' }),
    words: t.string({ description: 'Words that name moods, for example `calm and wistful`. At most 200 characters.' }),
  }),
});

const TuneInfillInput = builder.inputType('TuneInfillInput', {
  description: 'Bars of an existing tune that are to be written anew. Either `tune` or `abc` is needed.',
  fields: (t) => ({
    tune: t.id({ description: 'The `id` of a draft of kind TUNE.' }),
    abc: t.string({ description: 'A tune in ABC, at most 16,384 characters.' }),
    bars: t.intList({ required: true, description: 'The numbers of the bars, as in `TuneBar.number`.' }),
  }),
});

/** Each setting is obeyed, or refused with what would be right. */
export const TuneSettingsInput = builder.inputType('TuneInput', {
  description:
    'Settings for a draft of kind TUNE. Each one that is given is obeyed; what is absent is drawn from the seed, as it is ' +
    'usual in traditional tunes.',
  fields: (t) => ({
    key: t.string({ description: 'The tonic with its accidental, for example `D`, `Bb` or `F#`.' }),
    mode: t.field({ type: ModeType, description: 'The scale on the tonic.' }),
    metre: t.string({ description: 'The metre, for example `6/8`. A bar is 1/4 to 3/2 of a whole note.' }),
    form: t.string({
      description: 'Sections and their repeats, one to eight letters, for example `AABB` (the default) or `ABAC`.',
    }),
    bars: t.int({
      description: 'Bars in each section: 4–32, 8 by default. A tune has at most 64 written bars, repeats left out.',
    }),
    type: t.field({ type: TuneKindType, description: 'The kind of tune.' }),
    tempo: t.int({ description: 'Quarter notes per minute: 40–240.' }),
    density: t.float({ description: 'Average notes per bar relative to the usual in this metre: 0.5–2.' }),
    range: t.field({ type: PitchRangeInput, description: 'Lowest and highest pitch.' }),
    mood: t.field({ type: MoodInput, description: 'A mood to aim for.' }),
    startWith: t.string({
      description:
        'The first bars in ABC, at most 2,000 characters and fewer bars than a section has. The first may be a pickup.',
    }),
    infill: t.field({
      type: TuneInfillInput,
      description: 'Writes the given bars of a tune anew and leaves all other bytes. Excludes all other settings.',
    }),
    variationOf: t.id({
      description:
        'The `id` of a draft of kind TUNE. Keeps the first bar of each phrase and the end, and writes other bars anew. ' +
        'Excludes all other settings.',
    }),
  }),
});
