/** How strongly a part of a text is coloured, in percent: one in a hundred is as surprising as can be seen. */
export const surpriseOf = (probability: number): number =>
  Math.round(Math.min(1, -Math.log10(Math.max(probability, 1e-6)) / 2) * 60);

export const percent = (probability: number): string =>
  new Intl.NumberFormat(undefined, { style: 'percent', maximumSignificantDigits: 2 }).format(probability);
