import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { unusableNats } from './subject-log.ts';

const TIMEOUT_MS = 5_000;

/** Looks whether a NATS server takes us and has JetStream, and changes nothing. @throws StartupError */
export async function examineNats(url: string): Promise<{ version: string; streams: number }> {
  try {
    const connection = await connect({ servers: url, timeout: TIMEOUT_MS, maxReconnectAttempts: 0, name: 'cadenza' });
    try {
      const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
      const { streams } = await manager.getAccountInfo();
      return { version: connection.info?.version ?? 'unknown', streams };
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw unusableNats(error, url);
  }
}
