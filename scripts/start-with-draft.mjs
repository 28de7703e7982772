// A start with a draft, in an empty folder and without network, on whichever Node.js runs this: what each supported version
// has to do (`.ci/run`). The model of tunes is built in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const LONGEST_MS = 90_000;
/** Nothing answers there: what is downloaded is not needed. */
const NO_NETWORK = 'http://127.0.0.1:9';
const folder = mkdtempSync(join(tmpdir(), 'cadenza-start-'));
const settings = {
  PORT: '0',
  DATABASE_URL: '',
  CADENZA_DATA_DIR: folder,
  CADENZA_DEMO: 'off',
  CADENZA_LOG_FORMAT: 'json',
};
const server = spawn(process.execPath, [fileURLToPath(new URL('start.mjs', import.meta.url))], {
  env: { ...process.env, ...settings, HTTPS_PROXY: NO_NETWORK, HTTP_PROXY: NO_NETWORK },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(server, 'exit');
const lines = [];
createInterface(server.stdout).on('line', (line) => lines.push(line));
const overdue = setTimeout(() => fail(`nothing came of it within ${LONGEST_MS / 1000} seconds`), LONGEST_MS);

const { url } = await said('Cadenza is ready');
await said(/Tunes.* is ready/);
const { startDraft } = await ask(
  `mutation { startDraft(input: { kind: TUNE, prompt: "a jig", sampling: { seed: 1 } }) {
    ... on StartDraftSuccess { draft { id } } ... on Error { message } } }`,
);
if (!startDraft.draft) fail(startDraft.message);
const { status, text } = await ended(startDraft.draft.id);
if (status !== 'COMPLETED' || !/^K:/m.test(text)) fail(`the draft is ${status}: ${text}`);
server.kill('SIGTERM');
const [code] = await exited;
clearTimeout(overdue);
rmSync(folder, { recursive: true, force: true });
if (code !== 0) fail(`the server ended with ${code}`);
console.log(`Node.js ${process.version}: a start, a draft of ${text.length} characters, and a stop`);

async function said(message) {
  for (;;) {
    const found = lines
      .map(parsed)
      .find(({ msg }) => (typeof message === 'string' ? msg === message : message.test(msg)));
    if (found) return found;
    if (server.exitCode !== null) fail('the server ended');
    await sleep(50);
  }
}

function parsed(line) {
  try {
    return { msg: '', ...JSON.parse(line) };
  } catch {
    return { msg: line };
  }
}

async function ended(id) {
  for (;;) {
    const { draft } = await ask(`{ draft(id: "${id}") { status text } }`);
    if (draft.status !== 'QUEUED' && draft.status !== 'GENERATING') return draft;
    await sleep(100);
  }
}

async function ask(query) {
  const headers = { 'content-type': 'application/json' };
  const answer = await globalThis.fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  const { data, errors } = await answer.json();
  if (errors) fail(JSON.stringify(errors));
  return data;
}

function fail(reason) {
  console.error([...lines.slice(-30), `Node.js ${process.version}: ${reason}`].join('\n'));
  server.kill('SIGKILL');
  process.exit(1);
}
