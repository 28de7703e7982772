import type { Weighted } from './patterns.ts';

/** Kinds of tunes, as GraphQL names them. */
export const TUNE_KINDS = {
  JIG: { name: 'jig', metres: ['6/8'], tempo: 165 },
  SLIP_JIG: { name: 'slip jig', metres: ['9/8'], tempo: 165 },
  REEL: { name: 'reel', metres: ['C|', '2/2', '4/4', 'C', '2/4'], tempo: 180 },
  HORNPIPE: { name: 'hornpipe', metres: ['C|', '2/2', '4/4', 'C', '2/4'], tempo: 150 },
  STRATHSPEY: { name: 'strathspey', metres: ['C', '4/4'], tempo: 125 },
  POLKA: { name: 'polka', metres: ['2/4'], tempo: 120 },
  WALTZ: { name: 'waltz', metres: ['3/4'], tempo: 130 },
  MARCH: { name: 'march', metres: ['2/4', 'C', '4/4', 'C|', '2/2', '6/8'], tempo: 110 },
  AIR: { name: 'air', metres: ['3/4', 'C', '4/4', '2/4', '6/8'], tempo: 76 },
} as const;

export type TuneKind = keyof typeof TUNE_KINDS;

/** The kinds of tunes that are written where nothing is asked for, about as often as they are in collections. */
export const USUAL_KINDS: Weighted<TuneKind> = [
  ['JIG', 35],
  ['REEL', 35],
  ['HORNPIPE', 12],
  ['WALTZ', 8],
  ['SLIP_JIG', 5],
  ['POLKA', 5],
];

/** Keys by mode, and how many of the 4,433 tunes that `patterns.ts` counts are in them. */
export const USUAL_TONICS = {
  MAJOR: [
    ['G', 1603],
    ['D', 1312],
    ['A', 391],
    ['C', 141],
    ['Bb', 119],
    ['F', 113],
  ],
  MINOR: [
    ['E', 163],
    ['A', 145],
    ['G', 108],
    ['D', 56],
    ['B', 36],
  ],
  DORIAN: [
    ['A', 53],
    ['E', 20],
    ['G', 9],
    ['D', 3],
  ],
  MIXOLYDIAN: [
    ['A', 57],
    ['D', 34],
    ['G', 9],
  ],
} as const satisfies Record<string, Weighted<string>>;

export const USUAL_MODES: Weighted<keyof typeof USUAL_TONICS> = [
  ['MAJOR', 86],
  ['MINOR', 9],
  ['DORIAN', 2],
  ['MIXOLYDIAN', 3],
];

/** Notes in the time of a whole note, by metre, on average of the same tunes. */
const DENSITIES: Readonly<Record<string, number>> = {
  '6/8': 7.27,
  '9/8': 7.05,
  '12/8': 6.43,
  '3/4': 5.43,
  '2/4': 11.92,
  '3/8': 9.31,
  C: 6.83,
  'C|': 7.67,
};
const OTHER_DENSITY = 7;

export const usualDensity = (metre: string): number => DENSITIES[sameMetre(metre)] ?? OTHER_DENSITY;

/** Lengths of pickups as parts of a whole note, by metre, and how many of the same tunes have them. */
const PICKUPS: Readonly<Record<string, Weighted<number>>> = {
  '6/8': [
    [1 / 8, 843],
    [0, 235],
  ],
  '9/8': [
    [0, 92],
    [1 / 8, 58],
  ],
  '2/4': [
    [1 / 8, 552],
    [0, 222],
  ],
  '3/4': [
    [1 / 4, 150],
    [0, 38],
    [3 / 8, 25],
  ],
  'C|': [
    [1 / 4, 456],
    [0, 288],
    [1 / 8, 137],
  ],
  C: [
    [1 / 8, 225],
    [1 / 4, 208],
    [0, 123],
  ],
};

export const usualPickups = (metre: string): Weighted<number> => PICKUPS[sameMetre(metre)] ?? [[0, 1]];

/** The letter that players write for a metre, if there is one. */
export const sameMetre = (metre: string): string => ({ '4/4': 'C', '2/2': 'C|' })[metre] ?? metre;
