// Somebody who behaves, in a process of its own, so that its times are not those of the attackers' process. Asks one thing after
// the other of the server that its arguments name, from `{ ask: count }` or `'go'` until `'stop'`, and tells how long each answer
// took in milliseconds.
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** For how long it thinks in between. */
const PAUSE_MS = 5;
const [url, authorization] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
let most = 0;

function askOnce() {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: 'POST', agent, headers }, (response) => {
      text(response).then(resolve, reject);
    });
    asking.on('error', reject).end('{"query":"{ viewer { id } }"}');
  });
}

async function ask() {
  const times = [];
  while (times.length < most) {
    const start = performance.now();
    const answer = await askOnce();
    if (!answer.includes('"data":{"viewer"')) throw new Error(`The victim was answered ${answer}`);
    times.push(performance.now() - start);
    await delay(PAUSE_MS);
  }
  process.send(times);
}

process.on('message', (message) => {
  if (message === 'stop') most = 0;
  else {
    most = message === 'go' ? Infinity : message.most;
    void ask();
  }
});
