import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { type ModelEntry, openModelStore } from '../../../src/ml/engine.ts';
import { directNetwork, type Network } from '../../../src/ml/store/network.ts';
import { python } from '../../../src/ml/store/pip.ts';
import { temporaryFolder } from '../../support/folder.ts';
import * as server from '../../support/network/file-server.ts';
import { openForwardProxy } from '../../support/network/forward-proxy.ts';

const fetchProcess = fileURLToPath(new URL('../../support/models/fetch-process.ts', import.meta.url));
const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
const TOKEN = 'secret-token-of-a-mirror';
const never = new AbortController().signal;

type OneFile = Extract<ModelEntry, { file: unknown }>;

function entryFrom(...sources: OneFile['sources']): OneFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ id: 'm', name: 'Model', task: 'TEXT_GENERATION', version: '1', license: null, parameters: null, context: 512 },
    ...{ weights: 'int8', file: { name: 'model.gguf', sha256, bytes: bytes.length }, sources },
  };
}

const hubAt = (url: string) => ({
  hub: { repo: 'some/repo', revision: 'main', file: 'model.gguf', endpoint: new URL(url).origin },
});

/** @returns what the store told meanwhile */
async function fetch(network: Network, ...sources: OneFile['sources']): Promise<string[]> {
  const steps: string[] = [];
  const patience = { connectTimeoutMs: 5_000, stallTimeoutMs: 5_000 };
  const store = openModelStore(join(await temporaryFolder(), 'models'), { patience, network });
  const entry = entryFrom(...sources);
  const path = await store.fetch(entry, { signal: never, onStep: (step) => steps.push(step) });
  expect((await readFile(path)).equals(bytes)).toBe(true);
  return steps;
}

/** A hub that lets nobody in without the token, and sends files from another host, to which it must not be shown. */
async function gatedHub(status = 401) {
  const shown: (string | null)[] = [];
  const files = await server.serve((request, response) => {
    shown.push(request.headers.authorization ?? null);
    server.whole(bytes)(request, response);
  });
  const hub = await server.serve((request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void response.writeHead(status).end('{}');
    response.writeHead(302, { location: files.url }).end();
  });
  return { source: hubAt(hub.url), shown };
}

describe('[MODEL13] a gated repository', () => {
  it('is fetched with the token, which is sent only to the hub', async () => {
    const { source, shown } = await gatedHub();
    await fetch({ ...directNetwork, hubToken: TOKEN }, source);
    expect(shown.length).toBeGreaterThan(0);
    expect(new Set(shown)).toEqual(new Set([null]));
  });

  it.each([401, 403])('is reported with a remedy when the hub answers %d', async (status) => {
    const { source } = await gatedHub(status);
    await expect(fetch(directNetwork, source)).rejects.toThrow(
      /gated or private, or there is none: set HF_TOKEN to an access token that may read it/,
    );
    const refused = fetch({ ...directNetwork, hubToken: 'another-secret' }, source);
    await expect(refused).rejects.toThrow(/the token in HF_TOKEN may not read it.*ask for access at http.*some\/repo/);
    await expect(refused).rejects.not.toThrow(/another-secret/);
  });

  it('[CONF2] the token is sent to no other source', async () => {
    const shown: (string | undefined)[] = [];
    const { url } = await server.serve((request, response) => {
      shown.push(request.headers.authorization);
      server.whole(bytes)(request, response);
    });
    await fetch({ ...directNetwork, hubToken: TOKEN }, { url });
    expect(shown).toEqual([undefined]);
  });
});

describe('[MODEL13] a proxy', () => {
  const through = (http: string | null, https: string | null = null, except = ''): Network => ({
    hubToken: null,
    proxies: { http, https, except },
  });

  it('is used for http URLs, with its credentials, and an interrupted fetch is resumed', async () => {
    const proxy = await openForwardProxy();
    const { url, ranges } = await server.serve(server.breakAfter(bytes, 50_000), server.whole(bytes));
    const steps = await fetch(through(proxy.url.replace('//', '//user:pass@')), { url });
    expect(proxy.asked).toEqual([`GET ${url}`, `GET ${url}`]);
    expect(proxy.credentials).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`);
    expect(ranges[1]).toMatch(/^bytes=[1-9]/);
    expect(steps.join()).not.toContain('pass');
  });

  it('is used for hubs too, and gets no more than the hub', async () => {
    const proxy = await openForwardProxy();
    const { source } = await gatedHub();
    await fetch({ ...through(proxy.url), hubToken: TOKEN }, source);
    expect(proxy.asked[0]).toMatch(/^GET http:\/\/127.0.0.1:\d+\/some\/repo\/resolve\/main\/model.gguf$/);
  });

  it('opens a tunnel for https URLs, and its refusals are reported as its own', async () => {
    const proxy = await openForwardProxy(407);
    const refused = fetch(through(null, proxy.url.replace('//', '//user:pass@')), {
      url: 'https://files.invalid/model.gguf',
    });
    await expect(refused).rejects.toThrow(/the proxy answered 407/);
    await expect(refused).rejects.not.toThrow(/pass/);
    expect(proxy.asked[0]).toBe('CONNECT files.invalid:443');
  });

  it('carries https from end to end', async () => {
    const proxy = await openForwardProxy();
    const { url, authority } = await server.serveSecurely(server.whole(bytes));
    const folder = await temporaryFolder();
    const entry = join(folder, 'entry.json');
    await writeFile(entry, JSON.stringify(entryFrom({ url })));
    // Authorities are read when a process starts.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority };
    const root = join(folder, 'models');
    const run = ['--import', 'tsx', fetchProcess, root, entry, proxy.url];
    const { stdout } = await promisify(execFile)(process.execPath, run, { env });
    expect(stdout).toMatch(/done\n$/);
    expect(proxy.asked).toEqual([`CONNECT ${new URL(url).host}`]);
    const fetched = await readFile(openModelStore(root).path(entryFrom({ url })));
    expect(fetched.equals(bytes)).toBe(true);
  });

  it.each(['127.0.0.1', '*', 'example.com,127.0.0.1'])(
    'is not asked for hosts that NO_PROXY %j names',
    async (except) => {
      const proxy = await openForwardProxy();
      const { url } = await server.serve(server.whole(bytes));
      await fetch(through(proxy.url, null, except), { url });
      expect(proxy.asked).toEqual([]);
    },
  );

  it('is read from the environment, in lower case too, and an unusable one does not prevent the start', () => {
    expect(loadConfig({}).network).toEqual(directNetwork);
    const { network } = loadConfig({ HTTPS_PROXY: 'http://a:1', https_proxy: 'proxy.example:3128', no_proxy: '.b' });
    expect(network.proxies).toEqual({ http: null, https: 'http://proxy.example:3128/', except: '.b' });
    expect(loadConfig({ HF_TOKEN: ' hf_x\n' }).network.hubToken).toBe('hf_x');
    const socks = loadConfig({ HTTP_PROXY: 'socks5://user:pass@a:1', NO_PROXY: 'c' });
    expect(socks.network.proxies).toBeNull();
    expect(socks.warnings).toEqual(['HTTP_PROXY is not the http(s) URL of a proxy and is ignored']);
  });
});

it('[CONF2] pip gets the proxies, whose password it needs, and no token', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'python3'), '#!/bin/sh\n/usr/bin/env\n');
  await chmod(join(folder, 'python3'), 0o755);
  vi.stubEnv('PATH', folder).stubEnv('HF_TOKEN', 'hf_x').stubEnv('https_proxy', 'http://u:p@a:1');
  onTestFinished(() => void vi.unstubAllEnvs());
  let told = '';
  for await (const chunk of python([], never)) told += Buffer.from(chunk).toString();
  expect(told).toContain('https_proxy=http://u:p@a:1');
  expect(told).not.toContain('hf_x');
});
