import type { VerseForm } from './contract.ts';

const names = { VERSE: 'Verse', CHORUS: 'Chorus', BRIDGE: 'Bridge' } as const;

/**
 * The line above each stanza, for example `[Verse 2]`, line break included; empty for a stanza without a label. Stanzas
 * that share a label are numbered, but not choruses, which return.
 */
export function headingsOf({ stanzas }: VerseForm): string[] {
  return stanzas.map(({ label }, index) => {
    if (label === null) return '';
    const alike = [...stanzas.keys()].filter((other) => stanzas[other]?.label === label);
    const number = alike.length > 1 && label !== 'CHORUS' ? ` ${alike.indexOf(index) + 1}` : '';
    return `[${names[label]}${number}]\n`;
  });
}
