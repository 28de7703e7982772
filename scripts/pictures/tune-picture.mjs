// Makes the picture of a tune in README and docs/composer.md: `node scripts/pictures/tune-picture.mjs [URL] [FILE]`, of a running server.
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [url = 'http://127.0.0.1:4000', file = fileURLToPath(new URL('../../docs/tune.svg', import.meta.url))] =
  process.argv.slice(2);

async function ask(query, variables) {
  const response = await globalThis.fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map(({ message }) => message).join('; '));
  return data;
}

const { startDraft } = await ask(`mutation {
  startDraft(input: { kind: TUNE, prompt: "Harbour Lights", tune: { key: "D", mode: MAJOR, metre: "6/8", form: "AABB" }, sampling: { seed: 7 } }) {
    ... on StartDraftSuccess { draft { id } }
    ... on Error { message }
  }
}`);
if (!startDraft.draft) throw new Error(startDraft.message);
const { id } = startDraft.draft;
const read = async () => (await ask('query ($id: ID!) { draft(id: $id) { status tune { svg abc } } }', { id })).draft;
let draft = await read();
while (draft.status === 'QUEUED' || draft.status === 'GENERATING') {
  await delay(200);
  draft = await read();
}
await writeFile(file, draft.tune.svg);
console.log(draft.tune.abc);
