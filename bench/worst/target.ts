import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from '../support/processes.ts';

/** A server that takes less CPU than this within the window is done with what it was asked. */
const QUIET_MS = 1;
const WINDOW_MS = 20;

/** What one operation took. */
export interface Taken {
  cpuMs: number;
  databaseMs: number;
  bytes: number;
}

/** A server whose operations are measured, one at a time, and the embedded database that it runs on (Linux). */
export class Target {
  readonly #server: ServerProcess;
  readonly #clusterFolder: string;

  constructor(server: ServerProcess, clusterFolder: string) {
    this.#server = server;
    this.#clusterFolder = clusterFolder;
  }

  async post(query: string): Promise<string> {
    const response = await this.#send(query, 'application/json');
    return response.text();
  }

  /** The first event of a subscription, at whose end it is left. */
  async #firstEvent(query: string): Promise<string> {
    const response = await this.#send(query, 'text/event-stream');
    let text = '';
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      text += decoder.decode(read.value, { stream: true });
      if (/^data: .*\n\n/m.test(text)) break;
    }
    await reader?.cancel();
    return text.replace(/^[^]*?data: /, '');
  }

  #send(query: string, accept: string): Promise<Response> {
    const headers = { 'content-type': 'application/json', accept };
    return fetch(this.#server.url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  }

  async data<Data>(query: string): Promise<Data> {
    const text = await this.post(query);
    const { data } = JSON.parse(text) as { data?: Data };
    if (!data) throw new Error(text);
    return data;
  }

  /** Null for an operation that is refused as a whole. */
  async take(query: string): Promise<Taken | null> {
    const before = { cpu: await this.cpuMs(), database: await this.#databaseMs() };
    const text = await (query.startsWith('subscription') ? this.#firstEvent(query) : this.post(query));
    // What a change leads to comes after its answer.
    if (query.startsWith('mutation')) await this.#quiet();
    const [cpuMs, databaseMs] = [(await this.cpuMs()) - before.cpu, (await this.#databaseMs()) - before.database];
    const isRefused = !text.startsWith('{"data":{') && !/"data":\{/.test(text);
    return isRefused ? null : { cpuMs, databaseMs, bytes: Buffer.byteLength(text) };
  }

  async #quiet(): Promise<void> {
    for (let before = -Infinity, now = 0; now - before > QUIET_MS;) {
      before = now;
      await delay(WINDOW_MS);
      now = (await this.cpuMs()) + (await this.#databaseMs());
    }
  }

  cpuMs(): Promise<number> {
    return cpuMsOf(String(this.#server.process.pid));
  }

  async #databaseMs(): Promise<number> {
    const [postmaster = ''] = (await readFile(join(this.#clusterFolder, 'postmaster.pid'), 'utf8')).split('\n');
    const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    const times = await Promise.all(children.trim().split(' ').map(cpuMsOf));
    return times.reduce((a, b) => a + b, 0);
  }
}

/** Of all the process's threads, from the scheduler's own account in nanoseconds; 0 once it has ended. */
async function cpuMsOf(pid: string): Promise<number> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const times = await Promise.all(
      threads.map(async (thread) =>
        Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')).split(' ')[0]),
      ),
    );
    return times.reduce((a, b) => a + b, 0) / 1e6;
  } catch {
    return 0;
  }
}
