import { createHash } from 'node:crypto';
import { Counter } from '../../lib/collections.ts';
import { parseTune } from '../abc/parse-tune.ts';
import { groupNearCopies, intervalsOf } from './near-copies.ts';
import { abcOf, melodyOf, normalise, type NormalTune, type Rejection } from './normalise.ts';

export interface CorpusTune {
  tune: NormalTune;
  abc: string;
  /** The melody's intervals, one character each. */
  intervals: string;
}

type CorpusPart = 'train' | 'validation' | 'test';

export interface Corpus {
  parts: Record<CorpusPart, readonly CorpusTune[]>;
  /** Number of tunes read, and of those left out, by reason. */
  read: number;
  rejected: ReadonlyMap<Rejection | 'duplicate', number>;
  /** Number of groups of near-copies, single tunes included. */
  groups: number;
}

/** One in so many groups is for testing, and one for validation. */
const SHARE = 20;

/**
 * Reads collections of tunes in ABC, separated by empty lines. Near-copies are in the same part, which depends on the
 * tunes alone and not on their order ([CORPUS2]).
 */
export function readCorpus(texts: readonly string[]): Corpus {
  const rejected = new Counter<Rejection | 'duplicate'>();
  const seen = new Set<string>();
  const tunes: CorpusTune[] = [];
  let read = 0;
  for (const abc of texts.flatMap(splitTunes)) {
    read++;
    const tune = readTune(abc);
    const isNew = typeof tune !== 'string' && !seen.has(tune.intervals);
    if (isNew) {
      seen.add(tune.intervals);
      tunes.push(tune);
    } else rejected.add(typeof tune === 'string' ? tune : 'duplicate');
  }
  tunes.sort((a, b) => (a.abc < b.abc ? -1 : 1));
  return { ...intoParts(tunes), read, rejected };
}

/** Tunes are separated by empty lines. What has no field is a remark between them. */
function splitTunes(text: string): string[] {
  return text.split(/\r?\n[ \t]*(?:\r?\n)+/).filter((part) => /^[A-Z]:/m.test(part));
}

function readTune(abc: string): CorpusTune | Rejection {
  const tune = normalise(abc);
  if (typeof tune === 'string') return tune;
  const normal = abcOf(tune);
  return { tune, abc: normal, intervals: intervalsOf(melodyOf(parseTune(normal))) };
}

function intoParts(tunes: readonly CorpusTune[]): Pick<Corpus, 'parts' | 'groups'> {
  const parts: Record<CorpusPart, CorpusTune[]> = { train: [], validation: [], test: [] };
  const groupOf = groupNearCopies(tunes.map(({ intervals }) => intervals));
  const names = new Map<number, string>();
  tunes.forEach(({ abc }, i) => {
    const group = groupOf[i] ?? i;
    // The first of a group in the order of texts names it.
    if (!names.has(group)) names.set(group, abc);
  });
  tunes.forEach((tune, i) => parts[partOf(names.get(groupOf[i] ?? i) ?? '')].push(tune));
  return { parts, groups: names.size };
}

function partOf(name: string): CorpusPart {
  const draw = createHash('sha256').update(name).digest().readUInt32LE(0) % SHARE;
  return draw === 0 ? 'test' : draw === 1 ? 'validation' : 'train';
}
