import { parseArgs } from 'node:util';

const sideNames = ['raw', 'graphql', 'llama', 'transformers'] as const;
export type SideName = (typeof sideNames)[number];

export interface Options {
  rounds: number;
  only: readonly SideName[];
  /** How many drafts are written at a time, each in turn. */
  drafts: readonly number[];
}

const USAGE = `npm run bench -- engine [--rounds 3] [--only ${sideNames.join(',')}] [--drafts 1,4,8,16]`;

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: sideNames.join(',') },
      drafts: { type: 'string', default: '1,4,8,16' },
    },
  });
  const only = values.only.split(',') as SideName[];
  const drafts = values.drafts.split(',').map(Number);
  const rounds = Number(values.rounds);
  const valid = only.every((name) => sideNames.includes(name)) && [rounds, ...drafts].every((n) => n >= 1 && n <= 64);
  if (!valid) throw new Error(USAGE);
  return { rounds, only, drafts };
}
