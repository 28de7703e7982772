import { expect, onTestFinished, test } from 'vitest';
import { hasNats, startNats } from '../support/network/nats.ts';
import { startServer } from '../support/server.ts';

test.runIf(hasNats && process.env.TEST_NATS_URL === undefined)(
  '[SERVE4] where logs are in JetStream, readiness tells whether NATS answers, and all but drafts is served without it',
  async () => {
    const nats = await startNats();
    let stopped: Promise<void> | null = null;
    const stop = () => (stopped ??= nats.stop());
    onTestFinished(stop);
    const server = await startServer({ CADENZA_LOG: 'nats', CADENZA_NATS_URL: nats.url });
    const ready = async () => {
      const answer = await fetch(`${server.url}/health/ready`);
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    expect(await ready()).toMatchObject({ status: 'ready', database: 'up', nats: 'up' });
    await stop();
    await expect.poll(ready).toMatchObject({ status: 'ready', database: 'up', nats: 'down' });
  },
);
