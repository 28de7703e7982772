import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { check } from '../../bench/storm/checker.ts';

describe('the checker of the storm', () => {
  const draft = ['a', 'b', 'a', 'c', 'd', 'e'];

  it('finds nothing in a complete run', () => {
    expect(check(draft, draft)).toEqual({ lost: 0, doubled: 0, reordered: 0 });
  });

  it('detects a planted loss anywhere, and a reader that saw nothing', () => {
    for (let at = 0; at < draft.length; at++) {
      expect(check(draft, draft.toSpliced(at, 1))).toMatchObject({ lost: 1, doubled: 0 });
    }
    expect(check(draft, [])).toEqual({ lost: 6, doubled: 0, reordered: 0 });
  });

  it('detects a planted repetition, immediate or later', () => {
    for (let at = 1; at < draft.length; at++) {
      for (let to = at; to <= draft.length; to++) {
        const { lost, doubled, reordered } = check(draft, draft.toSpliced(to, 0, draft[at - 1] as string));
        expect(lost).toBe(0);
        expect(doubled + reordered).toBeGreaterThan(0);
      }
    }
  });

  it('detects a planted swap of any two different tokens', () => {
    for (let i = 0; i < draft.length; i++) {
      for (let j = i + 1; j < draft.length; j++) {
        if (draft[i] === draft[j]) continue;
        const swapped = [...draft];
        [swapped[i], swapped[j]] = [draft[j] as string, draft[i] as string];
        const { lost, doubled, reordered } = check(draft, swapped);
        expect(lost + doubled + reordered).toBeGreaterThan(0);
      }
    }
  });

  it('detects a token of another draft', () => {
    expect(check(draft, [...draft, 'x']).reordered).toBe(1);
  });
});

it(
  '[OWN1] [LOG2] [LOG5] a short storm over three nodes loses, doubles and reorders nothing',
  { timeout: 240_000 },
  async () => {
    const size = ['--reconnects', '200', '--readers', '24', '--drafts', '4', '--tokens', '250', '--stay', '2500'];
    const run = promisify(execFile)('npm', ['run', 'storm', '--silent', '--', '--seed', '7', ...size]);
    const outcome = JSON.parse((await run).stdout.trim().split('\n').at(-1) as string) as Record<string, unknown>;
    expect(outcome).toMatchObject({ lost: 0, doubled: 0, reordered: 0, texts_equal: true });
    expect(outcome.reconnects).toBeGreaterThanOrEqual(200);
  },
);
