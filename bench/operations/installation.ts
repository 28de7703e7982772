import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disposal } from '../../src/lib/async/disposal.ts';
import { type Nats, startNats } from '../../test/support/network/nats.ts';
import { type Role, StormNode } from '../storm/nodes.ts';
import { prepareModel } from '../support/writer-server.ts';
import { StoppableDatabase } from './database.ts';

const ROLES: readonly Role[] = ['all', 'engine', 'api'];

export interface Installation {
  database: StoppableDatabase;
  nats: Nats | null;
  nodes: StormNode[];
  /** What the nodes said that the bench counts. */
  heard: { calledDead: number };
}

/** Three nodes with the real model, the demo, and logs in PostgreSQL or in NATS. */
export async function install(withNats: boolean, stack: Disposal): Promise<Installation> {
  const { modelsDir } = await prepareModel();
  const folder = await mkdtemp(join(tmpdir(), 'cadenza-operations-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await StoppableDatabase.start(folder, stack);
  const nats = withNats ? await startNats() : null;
  if (nats) stack.defer(nats.stop);
  const heard = { calledDead: 0 };
  const nodes: StormNode[] = [];
  for (const role of ROLES) {
    await mkdir(join(folder, role));
    await symlink(modelsDir, join(folder, role, 'models'));
    const env = {
      CADENZA_MODELS: undefined,
      CADENZA_DEMO: 'auto',
      CADENZA_FETCH_MODELS: 'off',
      CADENZA_DRAFTS_AT_ONCE: '16',
    };
    const onLine = (message: string): void => {
      if (message.startsWith('The other nodes declared this one dead')) heard.calledDead++;
    };
    const shared = { folder, models: '', databaseUrl: database.url, natsUrl: nats?.url ?? null, lan: null };
    nodes.push(await StormNode.start({ ...shared, role, env, onLine }, stack));
  }
  return { database, nats, nodes, heard };
}
