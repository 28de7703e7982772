import type { LineForm, StanzaForm, VerseForm } from '../../verse/verse.ts';
import { builder } from '../builder.ts';

export const MetreType = builder.enumType('VerseMetre', {
  description: 'How stressed and unstressed syllables alternate in a line.',
  values: {
    IAMBIC: { description: 'Unstressed, stressed: "to be".' },
    TROCHAIC: { description: 'Stressed, unstressed: "tiger".' },
    ANAPAESTIC: { description: 'Two unstressed, one stressed: "in the night".' },
    DACTYLIC: { description: 'One stressed, two unstressed: "merrily".' },
  } as const,
});

const StanzaLabelType = builder.enumType('StanzaLabel', {
  description: 'What a stanza is in a song. It is written above the stanza, for example "[Chorus]".',
  values: {
    VERSE: { description: 'A verse, numbered if there are several.' },
    CHORUS: { description: 'The chorus.' },
    BRIDGE: { description: 'The bridge, numbered if there are several.' },
  } as const,
});

const VersePresetType = builder.enumType('VersePreset', {
  description: 'A form that is known by its name.',
  values: {
    FREE: { description: 'No form.' },
    SONNET: { description: 'Fourteen lines in iambic pentameter: ABAB three times, then AA.' },
    HAIKU: { description: 'Three lines of 5, 7 and 5 syllables.' },
    LIMERICK: { description: 'Five lines of 8, 8, 5, 5 and 8 syllables: AABBA.' },
    BALLAD: { description: 'Four stanzas of 8, 6, 8 and 6 syllables in iambs; the shorter lines rhyme.' },
    SONG: { description: 'Two verses of four lines, a chorus that returns word for word, and a bridge.' },
  } as const,
});

const StanzaInput = builder.inputType('StanzaInput', {
  description: 'The form of one stanza: its lines, or the stanza that it repeats.',
  fields: (t) => ({
    label: t.field({ type: StanzaLabelType, description: 'The heading above the stanza. By default there is none.' }),
    lines: t.int({ description: 'Number of lines: 1–60, at most 60 in all stanzas. Required unless it is a refrain.' }),
    rhyme: t.string({
      description:
        'One letter A–Z for each line; lines of the stanza with the same letter rhyme. `-` for a line that need not ' +
        'rhyme. For example `ABAB`.',
    }),
    syllables: t.intList({
      description: 'Syllables of each line, 1–20, or one number for all lines. By default a line has 3 to 14.',
    }),
    metre: t.field({
      type: MetreType,
      description: 'Where stresses fall in the lines: the primary stress of words of two and more syllables.',
    }),
    refrainOf: t.int({
      description: 'The number, from 0, of an earlier stanza that this one repeats word for word.',
    }),
  }),
});

const TuneSourceInput = builder.inputType('FormTuneInput', {
  description:
    'A tune that words are fitted to. Either `tune` or `abc` is needed. Ties and slurs hold a syllable; rests and grace ' +
    'notes have none.',
  fields: (t) => ({
    tune: t.id({ description: 'The `id` of a finished draft of kind TUNE.' }),
    abc: t.string({ description: 'A tune in ABC, at most 16,384 characters. Its own words are left out.' }),
  }),
});

export const VerseFormInputType = builder.inputType('VerseFormInput', {
  description: 'The form that a verse keeps, enforced while it is written: a preset, stanzas or a tune. In English.',
  fields: (t) => ({
    fromTune: t.field({
      type: TuneSourceInput,
      description:
        'A tune that the words can be sung to: a stanza for each section, a line for each phrase, a syllable for each ' +
        'note, and stresses on strong beats. `Draft.tune` is the tune with the words.',
    }),
    preset: t.field({ type: VersePresetType, description: 'A form that is known by its name.' }),
    stanzas: t.field({ type: [StanzaInput], description: 'The stanzas in order, at most 20.' }),
  }),
});

const LineFormType = builder.objectRef<LineForm>('LineForm').implement({
  description: 'What a line must keep.',
  fields: (t) => ({
    minSyllables: t.exposeInt('least', { description: 'Minimum number of syllables.' }),
    maxSyllables: t.exposeInt('most', { description: 'Maximum number of syllables.' }),
    metre: t.field({
      type: MetreType,
      nullable: true,
      description: 'Where stresses fall. Null if they may fall anywhere.',
      resolve: ({ metre }) => metre,
    }),
    strongSyllables: t.intList({
      nullable: true,
      description: 'The syllables, from 0, that are sung on strong beats. Null unless words are fitted to a tune.',
      resolve: ({ strong }) => strong && [...strong],
    }),
    rhyme: t.exposeString('rhyme', {
      nullable: true,
      description: 'Lines of the stanza with the same letter rhyme. Null if the line need not rhyme.',
    }),
  }),
});

const StanzaFormType = builder.objectRef<StanzaForm>('StanzaForm').implement({
  description: 'The form of a stanza.',
  fields: (t) => ({
    label: t.field({
      type: StanzaLabelType,
      nullable: true,
      description: 'The heading above the stanza. Null if there is none.',
      resolve: ({ label }) => label,
    }),
    lines: t.field({
      type: [LineFormType],
      description: 'The lines in order. Empty for a refrain.',
      resolve: ({ lines }) => lines,
    }),
    refrainOf: t.exposeInt('refrainOf', {
      nullable: true,
      description: 'The number, from 0, of the stanza that is repeated word for word. Null if it is no refrain.',
    }),
  }),
});

export const VerseFormType = builder.objectRef<VerseForm>('VerseForm').implement({
  description: 'The complete form of a verse.',
  fields: (t) => ({
    stanzas: t.field({
      type: [StanzaFormType],
      description: 'The stanzas in order.',
      resolve: ({ stanzas }) => stanzas,
    }),
    tune: t.exposeString('tune', {
      nullable: true,
      description: 'The tune, in ABC, that words are fitted to, without words. Null if there is none.',
    }),
  }),
});
