import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { balanceOf } from '../../../src/telemetry/testing/balance.ts';
import type { ReceiverBehaviour } from '../../../src/telemetry/testing/otlp-receiver.ts';
import type { TraceStats } from '../../../src/telemetry/trace-stats.ts';
import { TracedBroker } from './support/traced-broker.ts';

/** `dead`: nobody listens. */
const COLLECTORS: readonly (ReceiverBehaviour | 'dead')[] = [
  'accept',
  'reject',
  'refuse',
  'reset',
  'hang',
  'slow',
  'partial',
  'dead',
];

async function statsOf(traced: TracedBroker): Promise<TraceStats> {
  return (await (await fetch(`${traced.broker.adminUrl}/api/v1/traces/stats`)).json()) as TraceStats;
}

/** Messages of every quality, one that nobody may send, and a subscriber that goes without a word. */
async function work(traced: TracedBroker): Promise<void> {
  await using subscriber = await traced.connect();
  await using publisher = await traced.connect();
  await subscriber.subscribe({ filter: 'work/#', qos: 2 });
  for (const qos of [0, 1, 2] as const)
    for (let message = 0; message < 10; message += 1) {
      await publisher.publish(`work/${message}`, 'payload', { qos });
      await subscriber.receive();
    }
  await publisher.publish('nobody/here', '', { qos: 1 });
}

describe('the account of spans', () => {
  for (const collector of COLLECTORS)
    for (const rate of [1, 0.5, 0])
      it(`is exact at rate ${rate} collector: ${collector}`, async () => {
        await using traced = await TracedBroker.start({
          settings: { 'telemetry.sampling.rate': rate, 'telemetry.exporter_timeout_ms': 100 },
        });
        if (collector === 'dead') await traced.receiver.close();
        else traced.receiver.behave(collector);
        await work(traced);
        const running = await statsOf(traced);
        assert.ok(running.spans.started > 200);
        assert.equal(balanceOf(running), 0);
        if (rate === 0) assert.deepEqual([running.spans.exported, running.spans.queued], [0, 0]);
        // Stopping asserts it again, when nothing is open or undecided any more.
        await traced.broker.stop();
      });
});
