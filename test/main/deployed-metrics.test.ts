import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startServer } from '../support/server.ts';

/** Labels, which are no series. */
const LABELS = /\b(?:by|without|on)\s*\([^)]*\)|\{\{[^}]*\}\}/g;
const NAME = /(?<![\w"$])(?:cadenza|gen_ai|nodejs|process)_\w+(?=[[{ )]|$)/g;

async function expressions(file: string): Promise<string[]> {
  const text = await readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
  if (!file.endsWith('.json')) return text.split(/\n\s+- alert: /).slice(1);
  const found: string[] = [];
  JSON.parse(text, (key, value: unknown) => {
    if (key === 'expr') found.push(String(value));
    return value;
  });
  return found;
}

test('[OPS1] a server exports every series that the dashboard and the alerts name', async () => {
  const server = await startServer({ CADENZA_ROLE: 'all' });
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const exported = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  const parts = ['grafana/dashboards/cadenza.json', 'prometheus/alerts.yml'];
  const written = (await Promise.all(parts.map(expressions))).flat();
  expect(written.length).toBeGreaterThan(40);
  const named = new Set(written.flatMap((expression) => expression.replace(LABELS, '').match(NAME) ?? []));
  expect(named.size).toBeGreaterThan(25);
  const unknown = [...named].filter((name) => !exported.has(name.replace(/_(bucket|sum|count)$/, '')));
  expect(unknown).toEqual([]);
});
