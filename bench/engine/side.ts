import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { peakRssMb, stop } from '../support/processes.ts';
import type { Work, Written } from './work.ts';

/** One of those that are compared, in a process of its own. */
export interface Side extends AsyncDisposable {
  write(work: Work): Promise<Written>;
  /** Of each piece of text, the sum of ln p(token | the tokens before it), from the second token on; not by every side. */
  score?(pieces: readonly (readonly number[])[]): Promise<number[]>;
  /** Of its whole life. */
  peakRssMb(): Promise<number>;
}

/** A process that answers calls one at a time. */
export interface Callee extends AsyncDisposable {
  process: ChildProcess;
  call<Result>(method: string, argument: unknown): Promise<Result>;
}

type Answer = { result: unknown } | { error: string };

/** @param script a module of `bench/peers` that calls `answer` */
export async function startCallee(script: string, argument: object): Promise<Callee> {
  const path = new URL(`../peers/${script}`, import.meta.url);
  const child = fork(path, [JSON.stringify(argument)], {
    execArgv: script.endsWith('.ts') ? ['--import', 'tsx'] : [],
    env: { ...process.env, NODE_ENV: 'production', ORT_DISABLE_TELEMETRY: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => ({ error: `${script} ended with code ${String(code)}` }));
  const answered = async (): Promise<unknown> => {
    const [answer] = (await Promise.race([once(child, 'message'), ended.then((end) => [end])])) as [Answer];
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  };
  await answered();
  return {
    process: child,
    call: async (method, argument) => {
      child.send({ method, argument });
      return (await answered()) as never;
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

export async function startSide(script: string, argument: object): Promise<Side> {
  const callee = await startCallee(script, argument);
  return {
    write: (work) => callee.call('write', work),
    score: (pieces) => callee.call('score', pieces),
    peakRssMb: () => peakRssMb(callee.process),
    [Symbol.asyncDispose]: () => callee[Symbol.asyncDispose](),
  };
}
