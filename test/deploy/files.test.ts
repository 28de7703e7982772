import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { configVariables } from '../../src/config/variables.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFile(join(root, 'deploy', path), 'utf8');
const OURS = /\b(?:CADENZA_[A-Z_]+|DATABASE_URL|HOST|PORT)(?=[=:,} ])/g;
const known = new Set(configVariables.map(({ name }) => name));
/** After which the process ends itself. */
const longestEnd = async (): Promise<number> => {
  const main = await readFile(join(root, 'src/main.ts'), 'utf8');
  return Number(/LONGEST_END_MS = ([\d_]+)/.exec(main)?.[1]?.replaceAll('_', '')) / 1_000;
};

interface Pod {
  kind: string;
  metadata: { name: string };
  spec: {
    template?: { spec: { terminationGracePeriodSeconds?: number; containers: Record<string, unknown>[] } };
  };
}

test('[OPS4] every variable that the files of deploy/ set is one of the configuration', async () => {
  const files = ['Dockerfile', 'compose.yml', 'systemd/cadenza.service', 'kubernetes/secret.example.yaml'];
  const texts = await Promise.all([...files, 'kubernetes/api.yaml', 'kubernetes/engine.yaml'].map(read));
  const named = new Set(texts.flatMap((text) => text.match(OURS) ?? []));
  expect(named.size).toBeGreaterThan(10);
  expect([...named].filter((name) => !known.has(name))).toEqual([]);
});

test('[OPS4] each deployment waits longer for the end of a node than that may take, and asks it how it is', async () => {
  const seconds = await longestEnd();
  expect(seconds).toBeGreaterThan(0);
  for (const file of ['api', 'engine']) {
    const parts = parseAllDocuments(await read(`kubernetes/${file}.yaml`)).map((one) => one.toJS() as Pod);
    expect(parts.map(({ kind }) => kind)).toContain('PodDisruptionBudget');
    const pod = parts.find(({ kind }) => kind === 'Deployment')?.spec.template?.spec;
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(seconds);
    const [container] = pod?.containers ?? [];
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) expect(container).toHaveProperty(probe);
    expect(container).toMatchObject({ securityContext: { readOnlyRootFilesystem: true } });
  }
  expect(Number(/TimeoutStopSec=(\d+)/.exec(await read('systemd/cadenza.service'))?.[1])).toBeGreaterThan(seconds);
});

test('[OPS4] the compose file starts several nodes, and every file that it or the Dockerfile names is there', async () => {
  const compose = parse(await read('compose.yml'), { merge: true }) as {
    services: Record<string, { stop_grace_period?: string; volumes?: string[]; environment?: Record<string, string> }>;
  };
  const nodes = Object.values(compose.services).filter(({ environment }) => environment?.CADENZA_ROLE);
  expect(nodes.map(({ environment }) => environment?.CADENZA_ROLE)).toEqual(['api', 'api', 'engine']);
  for (const { stop_grace_period: grace = '' } of nodes)
    expect(Number.parseInt(grace)).toBeGreaterThan(await longestEnd());
  const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) =>
    volumes.filter((one) => one.startsWith('.')),
  );
  const copied = [...(await read('Dockerfile')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const paths = [...mounted.map((one) => join('deploy', one.split(':')[0] ?? '')), ...copied];
  expect(paths.length).toBeGreaterThan(9);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const letIn = (await read('Dockerfile.dockerignore')).split('\n').filter((line) => line.startsWith('!'));
  expect(copied.filter((name) => !letIn.includes(`!${name}`))).toEqual([]);
});
