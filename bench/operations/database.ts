import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connect } from '../../src/db/client.ts';
import { type Cluster, startCluster } from '../../src/db/embedded/embedded.ts';
import type { Disposal } from '../../src/lib/async/disposal.ts';
import { openProxy, type Proxy } from '../storm/proxy.ts';

const NAME = 'operations';

/** A PostgreSQL that is stopped, copied and put back while nodes use it, under one URL. */
export class StoppableDatabase implements AsyncDisposable {
  readonly #directory: string;
  readonly #copy: string;
  readonly #proxy: Proxy;
  #cluster: Cluster;

  private constructor(folder: string, proxy: Proxy, cluster: Cluster) {
    this.#directory = join(folder, 'postgres');
    this.#copy = join(folder, 'postgres-backup');
    this.#proxy = proxy;
    this.#cluster = cluster;
  }

  static async start(folder: string, stack: Disposal): Promise<StoppableDatabase> {
    const cluster = await start(join(folder, 'postgres'));
    const proxy = await openProxy(portOf(cluster));
    const database = stack.use(new StoppableDatabase(folder, proxy, cluster));
    await using admin = connect(cluster.url(), { connections: 1 });
    await admin.sql.unsafe(`create database ${NAME}`);
    return database;
  }

  /** Where nodes find it, whichever server runs at the moment. */
  get url(): string {
    const url = new URL(this.#cluster.url(NAME));
    url.port = String(this.#proxy.port);
    return url.href;
  }

  /** Stops it, and starts it again after what is to be done meanwhile. */
  async stopFor(meanwhile: () => unknown): Promise<void> {
    await this.#cluster.stop();
    await meanwhile();
    this.#cluster = await start(this.#directory);
    this.#proxy.target = { host: '127.0.0.1', port: portOf(this.#cluster) };
  }

  /** Copies its folder, with owners and permissions, as PostgreSQL insists on. It has to be stopped. */
  copy(): void {
    execFileSync('cp', ['-a', this.#directory, this.#copy]);
  }

  /** Puts the copy in the place of its folder. It has to be stopped. */
  restore(): void {
    execFileSync('rm', ['-r', this.#directory]);
    execFileSync('mv', [this.#copy, this.#directory]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
    await this.#cluster.stop();
  }
}

const start = (directory: string): Promise<Cluster> =>
  startCluster({ directory, settings: { max_connections: '200' } });

const portOf = (cluster: Cluster): number => Number(new URL(cluster.url()).port);
