import { type DraftTune, linkOf, sheetOf, tuneOf } from '../../resolvers/drafts/tunes.ts';
import type { TuneView } from '../../tunes/rendering.ts';
import { builder } from '../builder.ts';
import { DraftType } from '../drafts/draft-refs.ts';
import { TuneProblemType } from './check-tune.ts';
import { ModeType } from './tune-input.ts';

const InstrumentType = builder.enumType('Instrument', {
  description: 'An instrument that tunes are played on.',
  values: {
    FIDDLE: { description: 'A fiddle.' },
    FLUTE: { description: 'A flute.' },
    HARP: { description: 'A harp.' },
    GUITAR: { description: 'A guitar with nylon strings.' },
  } as const,
});

const TuneBarType = builder.objectRef<TuneView['bars'][number]>('TuneBar').implement({
  description: 'The notes between two bar lines.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Its number, from 1 in the order written; a pickup is a bar.' }),
    abc: t.exposeString('abc', { description: 'Its text in ABC.' }),
    length: t.exposeString('length', { description: 'Its length in parts of a whole note, for example `3/4`.' }),
    exact: t.exposeBoolean('exact', {
      description: 'Whether it is as long as the metre says, together with a part that is played next to it.',
    }),
  }),
});

const TuneNoteType = builder.objectRef<TuneView['notes'][number]>('TuneNote').implement({
  description: 'A note as it is played.',
  fields: (t) => ({
    pitch: t.exposeString('pitch', { description: 'Its name and octave, for example `F#4`. C4 is middle C.' }),
    midi: t.exposeInt('midi', { description: 'Its MIDI number, 60 for middle C.' }),
    start: t.exposeFloat('start', { description: 'Seconds from the beginning.' }),
    duration: t.exposeFloat('duration', { description: 'Seconds that it sounds.' }),
  }),
});

const TuneType = builder.objectRef<DraftTune>('Tune').implement({
  description: 'A tune as notation, data and sound. All fields are available while the tune is still being written.',
  fields: (t) => ({
    abc: t.exposeString('abc', { description: 'The text in ABC. Words under the notes are in lines `w:`.' }),
    title: t.exposeString('title', { description: 'The title.' }),
    key: t.exposeString('key', { nullable: true, description: 'The tonic, for example `Bb`. Null without a key.' }),
    mode: t.field({ type: ModeType, description: 'The scale on the tonic.', resolve: ({ mode }) => mode }),
    metre: t.exposeString('metre', { nullable: true, description: 'The metre. Null if it is free.' }),
    form: t.exposeString('form', { description: 'Sections and their repeats, for example `AABB`.' }),
    tempo: t.exposeFloat('tempo', { description: 'Quarter notes per minute.' }),
    duration: t.exposeFloat('duration', { description: 'Seconds at the written tempo, repeats included.' }),
    bars: t.field({ type: [TuneBarType], description: 'The bars in the order written.', resolve: ({ bars }) => bars }),
    notes: t.field({
      type: [TuneNoteType],
      description: 'The notes in the order played, repeats included.',
      resolve: ({ notes }) => notes,
    }),
    svg: t.string({
      description: 'Sheet music as SVG, without scripts.',
      args: { width: t.arg.int({ defaultValue: 740, description: 'Width in CSS pixels: 320–2,000.' }) },
      resolve: (tune, { width }, context) => sheetOf(tune, width ?? 740, context),
    }),
    midi: t.string({
      description:
        'The path of a Standard MIDI File on this server. The link is valid for an hour, without other credentials.',
      resolve: (tune, _, context) => linkOf(tune, 'midi', context),
    }),
    wav: t.string({
      description:
        'The path of the sound as WAV on this server: the first five minutes. It supports range requests. The link is ' +
        'valid for an hour, without other credentials.',
      args: {
        instrument: t.arg({ type: InstrumentType, defaultValue: 'FIDDLE', description: 'The instrument.' }),
      },
      resolve: (tune, { instrument }, context) => linkOf(tune, instrument ?? 'FIDDLE', context),
    }),
    problems: t.field({
      type: [TuneProblemType],
      description: 'What is wrong with it, as `checkTune` says. A tune that is not finished has an incomplete bar.',
      resolve: ({ problems }) => problems,
    }),
  }),
});

builder.objectFields(DraftType, (t) => ({
  tune: t.field({
    type: TuneType,
    nullable: true,
    description:
      'The tune, as far as it is written. For words that are fitted to a tune (`form.fromTune`), the tune with the words ' +
      'under its notes, a row for each verse. Null for other texts.',
    resolve: (draft) => tuneOf(draft),
  }),
}));
