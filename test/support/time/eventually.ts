import { vi } from 'vitest';

/** Waits until a check holds, as long as the test may take: what happens at last must not depend on how busy the machine is. */
export const eventually = <Result>(check: () => Result | Promise<Result>): Promise<Result> =>
  vi.waitFor(check, { timeout: 200_000, interval: 20 });
