/** How stressed and unstressed syllables alternate, named by the foot that repeats. */
export type VerseMetre = 'IAMBIC' | 'TROCHAIC' | 'ANAPAESTIC' | 'DACTYLIC';

type StanzaLabel = 'VERSE' | 'CHORUS' | 'BRIDGE';

/** What one line must keep. */
export interface LineForm {
  /** Number of syllables: from `least` to `most`. */
  least: number;
  most: number;
  /** Null if stresses may fall anywhere. */
  metre: VerseMetre | null;
  /** The syllables, from 0, that are sung on strong beats. Null for a line that is not sung, or in a free metre. */
  strong: readonly number[] | null;
  /** Lines of a stanza with the same letter rhyme. Null for a line that need not rhyme. */
  rhyme: string | null;
}

export interface StanzaForm {
  /** Written as a heading above the stanza. Null for none. */
  label: StanzaLabel | null;
  /** Empty for a refrain. */
  lines: readonly LineForm[];
  /** The earlier stanza, from 0, whose text is repeated word for word. Null for a stanza of its own. */
  refrainOf: number | null;
}

/** The form that a verse must keep: its stanzas in order. */
export interface VerseForm {
  stanzas: readonly StanzaForm[];
  /** The tune that it is sung to, in ABC. Null if there is none. */
  tune: string | null;
}

export type VersePreset = 'FREE' | 'SONNET' | 'HAIKU' | 'LIMERICK' | 'BALLAD' | 'SONG';

/** A stanza as a client describes it. */
export interface StanzaInput {
  label?: StanzaLabel | null;
  lines?: number | null;
  /** One letter for each line, for example `ABAB`; `-` for a line that rhymes with none. */
  rhyme?: string | null;
  /** Syllables of each line, or one number for all lines. */
  syllables?: readonly number[] | null;
  metre?: VerseMetre | null;
  refrainOf?: number | null;
}

/** A form as a client describes it: a preset or stanzas. */
export interface VerseFormInput {
  preset?: VersePreset | null;
  stanzas?: readonly StanzaInput[] | null;
}
