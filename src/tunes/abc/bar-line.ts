/** What a bar line says. */
export interface BarLine {
  /** It begins a repeated section. */
  readonly starts: boolean;
  /** It ends a repeated section. */
  readonly ends: boolean;
  /** A section begins or ends here: repeats, double and final lines, endings. */
  readonly section: boolean;
  /** The passes for which the ending behind it is played. Empty if none begins here. */
  readonly endings: readonly number[];
}

const LARGEST_ENDING = 9;

export const NO_BAR_LINE: BarLine = { starts: false, ends: false, section: false, endings: [] };

/** @param text a symbol of kind `bar` */
export function parseBarLine(text: string): BarLine {
  const [, line = '', endings = ''] = /^(.*?)\[?([\d,-]*)$/.exec(text) ?? [];
  const starts = line.length > 1 && line.endsWith(':');
  const ends = line.startsWith(':');
  const section = starts || ends || endings !== '' || /\|\||[[\]]/.test(line);
  return { starts, ends, section, endings: parseEndings(endings) };
}

/** Two lines with nothing between them are one, for example at the end of a line of text. */
export function mergeBarLines(a: BarLine, b: BarLine): BarLine {
  return {
    starts: a.starts || b.starts,
    ends: a.ends || b.ends,
    section: a.section || b.section,
    endings: b.endings.length > 0 ? b.endings : a.endings,
  };
}

function parseEndings(text: string): number[] {
  const ranges = text.split(',').filter((part) => part !== '');
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: LARGEST_ENDING }, (_, i) => i + 1).filter((pass) => pass >= first && pass <= last);
  });
}
