import type { z } from 'zod';
import { nearest } from '../lib/text/nearest.ts';
import { isHost, isLoopback } from './values.ts';
import { configVariables } from './variables.ts';

const MASTER_KEYS = ['CADENZA_MASTER_KEY', 'CADENZA_MASTER_KEY_FILE', 'CADENZA_MASTER_KEY_COMMAND'];
const PREFIX = 'CADENZA_';

export type EnvironmentVariables = Record<string, string | undefined>;
interface VariableProblem {
  name: string;
  problem: string;
}

export const fieldProblem = ({ path, message }: z.core.$ZodIssue): VariableProblem => ({
  name: String(path[0]),
  problem: message,
});

/** Problems of variables that are valid by themselves but contradict each other. */
export function contradictions(given: EnvironmentVariables): VariableProblem[] {
  const { HOST: host, CADENZA_JWT_SECRET: secret, CADENZA_JWKS_URL: jwks } = given;
  const hasAuth = secret !== undefined || jwks !== undefined;
  const problems: VariableProblem[] = [];
  if (secret !== undefined && jwks !== undefined) {
    problems.push({ name: 'CADENZA_JWKS_URL', problem: 'cannot be set together with CADENZA_JWT_SECRET: choose one' });
  }
  if (host !== undefined && isHost(host) && !isLoopback(host) && !hasAuth) {
    const problem =
      'can be reached from other machines, so it needs CADENZA_JWT_SECRET or CADENZA_JWKS_URL to be set as well';
    problems.push({ name: 'HOST', problem });
  }
  if (given.CADENZA_ROLE !== undefined && given.CADENZA_ROLE !== 'all' && given.DATABASE_URL === undefined) {
    const problem = 'needs DATABASE_URL to be set: an embedded database supports one node only';
    problems.push({ name: 'CADENZA_ROLE', problem });
  }
  const [first, second] = MASTER_KEYS.filter((name) => given[name] !== undefined);
  if (first !== undefined && second !== undefined)
    problems.push({ name: second, problem: `cannot be set together with ${first}: choose one` });
  const { CADENZA_LOG: storage, CADENZA_NATS_URL: nats } = given;
  if (storage === 'nats' && nats === undefined)
    problems.push({ name: 'CADENZA_LOG', problem: 'needs CADENZA_NATS_URL to be set' });
  if (storage !== 'nats' && nats !== undefined)
    problems.push({ name: 'CADENZA_NATS_URL', problem: 'has no effect without CADENZA_LOG=nats' });
  for (const name of ['CADENZA_JWT_ISSUER', 'CADENZA_JWT_AUDIENCE', 'CADENZA_VISITOR_SECRET']) {
    if (given[name] === undefined || hasAuth) continue;
    problems.push({ name, problem: 'has no effect without CADENZA_JWT_SECRET or CADENZA_JWKS_URL' });
  }
  return problems;
}

export function report(problems: readonly VariableProblem[], given: EnvironmentVariables): string {
  const lines = problems.map(({ name, problem }) => {
    const variable = configVariables.find((candidate) => candidate.name === name);
    const value = variable?.secret ? '(its value is not shown)' : JSON.stringify(given[name]);
    return `  ${name} ${value} ${problem}. For example: ${name}=${variable?.example ?? ''}`;
  });
  return ['Cadenza cannot start because its configuration is invalid:', ...lines].join('\n');
}

export const reportUnsafe = (reasons: readonly string[]): string =>
  ['With CADENZA_PRODUCTION=on Cadenza does not start, because:', ...reasons.map((reason) => `  ${reason}.`)].join(
    '\n',
  );

export function unknownVariables(given: EnvironmentVariables): string[] {
  const ours = (names: readonly string[]) => names.filter((name) => name.startsWith(PREFIX));
  const known = ours(configVariables.map(({ name }) => name)).map((name) => name.slice(PREFIX.length));
  return ours(Object.keys(given)).flatMap((name) => {
    const rest = name.slice(PREFIX.length);
    if (known.includes(rest)) return [];
    const meant = nearest(rest, known);
    return `${name} is set, but Cadenza has no such variable${meant ? `; did you mean ${PREFIX}${meant}?` : ''}`;
  });
}
