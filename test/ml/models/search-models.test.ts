import { expect, it } from 'vitest';
import { searchHub } from '../../../src/ml/engine.ts';
import { directNetwork } from '../../../src/ml/store/network.ts';
import { openHub } from '../../support/models/model-hub.ts';
import { runModels } from '../../support/models/models-command.ts';

const repository = (id: string, changes: object = {}) => ({
  ...{ _id: '1', id, private: false, gated: false, downloads: 12_345, likes: 1, tags: ['gguf', 'license:apache-2.0'] },
  ...{ lastModified: '2026-01-01T00:00:00.000Z', pipeline_tag: 'text-generation', ...changes },
});

it('[MODEL19] npm run models -- search prints what the hub finds, and how to add it', async () => {
  const gated = repository('owner/gated', { gated: 'manual', downloads: 7, tags: [] });
  const hub = await openHub({ files: {}, found: [repository('owner/tiny'), gated] });
  const run = await runModels({ HF_ENDPOINT: hub.endpoint }, 'search', 'tiny', 'stories');
  expect(run.errors).toBe('');
  expect(run.output).toContain('owner/tiny: 12,345 downloads, apache-2.0\n    npm run models -- add hf:owner/tiny\n');
  expect(run.output).toContain('owner/gated: 7 downloads, licence unknown, gated: needs HF_TOKEN\n');
  const [asked] = hub.searches;
  expect(Object.fromEntries(asked!)).toMatchObject({
    search: 'tiny stories',
    filter: 'gguf',
    sort: 'downloads',
    limit: '20',
  });
});

it('[MODEL19] says that it has found none, that words are missing, and why a hub cannot be searched', async () => {
  const empty = await openHub({ files: {} });
  expect(await runModels({ HF_ENDPOINT: empty.endpoint }, 'search', 'x')).toMatchObject({
    code: 1,
    output: 'the hub has no model with GGUF files of this name\n',
  });
  const none = await runModels({ HF_ENDPOINT: empty.endpoint }, 'search');
  expect(none.errors).toContain('search needs words');
  const closed = await openHub({ files: {}, token: 'secret' });
  const refused = await runModels({ HF_ENDPOINT: closed.endpoint, HF_TOKEN: '' }, 'search', 'x');
  expect(refused.errors).toMatch(/the hub cannot be searched: .*\(the server answered 401\)/);
});

it('[MODEL19] leaves out what is no repository, and prints nothing that a hub makes up', async () => {
  const [bell, escape] = ['owner/\u0007', 'owner/\u001b[2J'];
  const odd = [
    repository(bell),
    repository(escape),
    repository('../..//x'),
    repository('owner/a', { downloads: 'many' }),
  ];
  const named = repository('owner/b', { tags: ['license:\u001b[2Jfree'] });
  const hub = await openHub({ files: {}, found: [...odd, named] });
  const network = { ...directNetwork, hubEndpoint: hub.endpoint };
  const context = { network, signal: new AbortController().signal, connectTimeoutMs: 10_000 };
  expect(await searchHub('x', 20, context)).toEqual([
    { name: 'owner/b', downloads: 12_345, license: null, isGated: false },
  ]);
});
