import type { GlossaryTerm } from '../contract.ts';

/** What a thread needs to translate with a model. */
export interface TranslatorThreadOptions {
  /** The folder with weights, vocabularies and the list of likely words. */
  folder: string;
}

export interface TranslationOptions {
  glossary: readonly GlossaryTerm[];
}
