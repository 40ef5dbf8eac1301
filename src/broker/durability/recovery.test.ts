import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { anyHistory, DeliveryHistory } from '../testing/delivery-history.ts';
import type { TestClient } from '../testing/test-client.ts';

const PERSISTENT = { expirySeconds: 1000 };

/** What QoS 2 publishers do: PUBLISH as the handler takes it, up to PUBREC. */
async function publishExactlyOnce(broker: BrokerUnderTest, client: TestClient, packetId: number): Promise<void> {
  const publisher = client.session!;
  assert.equal(publisher.inbound.state(packetId), 'unknown');
  publisher.inbound.add(packetId);
  broker.publish('a', String(packetId), { qos: 2, publisher, packetId });
  await broker.settle();
  assert.equal(publisher.inbound.state(packetId), 'stored');
}

async function release(broker: BrokerUnderTest, client: TestClient, packetId: number): Promise<void> {
  broker.assembly.acks.acknowledge(client, PacketType.pubrel, packetId, ReasonCode.success);
  await broker.settle();
  assert.equal(client.session!.inbound.state(packetId), 'unknown');
}

describe('after a kill', () => {
  for (const copies of ['one', 'each'] as const)
    it(`every session gets what it has not had (${copies}), QoS 2 exactly once, whenever it was killed`, async () => {
      const interests = [
        [{ filter: '#', qos: 1 }],
        [{ filter: 'a', qos: 2 }],
        [
          { filter: '+', qos: 2 },
          { filter: 'a', qos: 2 },
          { filter: 'a/#', qos: 1 },
        ],
      ] as const;
      await fc.assert(
        fc.asyncProperty(anyHistory(['a', 'b'], 'checkpoint', 'kill', 'kill'), async (steps) => {
          await using broker = await BrokerUnderTest.start({ 'mqtt.overlapping_subscriptions': copies });
          const history = await DeliveryHistory.begin(broker, interests);
          await history.play(steps);
          await history.end();
          for (const subscriber of history.subscribers) {
            const expected = history.expected(subscriber, '');
            for (const qos of [1, 2])
              for (const identifier of [undefined, 1, 2, 3]) {
                const isOf = (copy: (typeof expected)[number]): boolean =>
                  copy.qos === qos && copy.identifiers[0] === identifier;
                const got = subscriber.received.filter(isOf).map(({ text }) => text);
                const wanted = expected.filter(isOf).map(({ text }) => text);
                // QoS 1 may come twice, and then the repeat does not count for the order.
                assert.deepEqual(qos === 1 ? [...new Set(got)] : got, wanted);
              }
          }
        }),
        { numRuns: 150 },
      );
    });

  for (const withCheckpoint of [false, true])
    it(`a repeat of a QoS 2 message is known as one, ${withCheckpoint ? 'checkpoint or' : 'by the log'}`, async () => {
      await using broker = await BrokerUnderTest.start();
      const client = await broker.connect('c', PERSISTENT);
      await publishExactlyOnce(broker, client, 1);
      if (withCheckpoint) await broker.assembly.checkpoint.take();
      await publishExactlyOnce(broker, client, 2);
      await broker.crash();
      const { inbound } = (await broker.connect('c', PERSISTENT)).session!;
      assert.deepEqual([inbound.state(1), inbound.state(2), inbound.state(3)], ['stored', 'stored', 'unknown']);
    });

  it('an identifier that was released bears a new message', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', PERSISTENT);
    await publishExactlyOnce(broker, client, 1);
    await release(broker, client, 1);
    await broker.crash();
    assert.equal((await broker.connect('c', PERSISTENT)).session!.inbound.state(1), 'unknown');
  });

  it('messages of an earlier session of the client are none of the present one', async () => {
    await using broker = await BrokerUnderTest.start();
    const early = await broker.connect('c', PERSISTENT);
    await publishExactlyOnce(broker, early, 1);
    early.close(CLOSE_REASONS.clientClosed);
    await broker.connect('c', { ...PERSISTENT, cleanStart: true });
    await broker.crash();
    assert.equal((await broker.connect('c', PERSISTENT)).session!.inbound.state(1), 'unknown');
  });

  it('sessions that ended stay ended', async () => {
    await using broker = await BrokerUnderTest.start();
    for (const clientId of ['ended', 'kept']) {
      const client = await broker.connect(clientId, PERSISTENT);
      await broker.subscribe(client, 'a');
      client.close(CLOSE_REASONS.clientClosed);
    }
    const again = await broker.connect('ended', { cleanStart: true });
    again.close(CLOSE_REASONS.clientClosed);
    await broker.assembly.checkpoint.take();
    await broker.crash();
    assert.deepEqual([...broker.assembly.lifecycle.sessions.keys()], ['kept']);
  });
});
