import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest, type ClientOptions } from '../testing/broker-under-test.ts';
import { textOf, withoutTrace } from '../testing/packet-stream.ts';
import type { TestClient } from '../testing/test-client.ts';

const PERSISTENT = { expirySeconds: 1000 };

async function reconnect(broker: BrokerUnderTest, client: TestClient, options: ClientOptions = {}) {
  client.close(CLOSE_REASONS.clientClosed);
  const again = await broker.connect(client.session!.clientId, { ...PERSISTENT, ...options });
  await broker.settle();
  return again;
}

async function start(qos: 1 | 2 = 2) {
  const broker = await BrokerUnderTest.start();
  const client = await broker.connect('c', PERSISTENT);
  await broker.subscribe(client, 'a/#', { qos, retainAsPublished: true }, 7);
  return { broker, client };
}

describe('what was not acknowledged when a connection ended', () => {
  for (const qos of [1, 2] as const)
    it(`is sent again at QoS ${qos} in its order, with its identifier and DUP [MQTT-4.4.0-1] [MQTT-3.3.1-1]`, async () => {
      const { broker, client } = await start(qos);
      await using _ = broker;
      for (const text of ['1', '2', '3']) broker.publish('a/b', text, { qos });
      await broker.settle();
      const sent = client.takeMessages();
      broker.answer(client, sent[0]!);
      const expected = sent.slice(qos === 1 ? 1 : 1).map((packet) => ({ ...withoutTrace(packet), duplicate: true }));
      const again = await reconnect(broker, client);
      assert.deepEqual(again.takeMessages().map(withoutTrace), expected);
    });

  it('is only released where the client had received it [MQTT-4.3.3-6]', async () => {
    const { broker, client } = await start(2);
    await using _ = broker;
    broker.publish('a/b', '1', { qos: 2 });
    await broker.settle();
    const [message] = client.takeMessages();
    broker.answer(client, message!);
    await broker.settle();
    const again = await reconnect(broker, client);
    const packets = again.take();
    assert.deepEqual(
      packets.map(({ type }) => type),
      ['pubrel'],
    );
    broker.answer(again, packets[0]!);
    assert.equal(again.session!.window.count, 0);
  });

  it('is as it was: retain flag as published, subscription identifiers', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    broker.publish('a/b', '1', { qos: 1, retain: true });
    await broker.settle();
    client.take();
    const [message] = (await reconnect(broker, client)).takeMessages();
    assert.deepEqual([message!.retain, message!.properties.subscriptionIdentifiers], [true, [7]]);
  });

  it('is sent again even when it has expired, for the exchange waits to be ended', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    broker.publish('a/b', '1', { qos: 1, expirySeconds: 5 });
    await broker.settle();
    client.take();
    broker.clock.advanceSeconds(10);
    const [message] = (await reconnect(broker, client)).takeMessages();
    assert.deepEqual([textOf(message!), message!.properties.messageExpiryInterval], ['1', 1]);
  });

  it('comes before what is new', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    broker.publish('a/b', 'old', { qos: 1 });
    await broker.settle();
    client.close(CLOSE_REASONS.clientClosed);
    broker.publish('a/b', 'new', { qos: 1 });
    await broker.settle();
    const again = await reconnect(broker, client);
    assert.deepEqual(again.takeMessages().map(textOf), ['old', 'new']);
  });

  it('goes on when a slow client drains, however full its window is', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    for (let count = 0; count < 10; count += 1) broker.publish('a/b', String(count), { qos: 1 });
    await broker.settle();
    client.close(CLOSE_REASONS.clientClosed);
    const again = await broker.connect('c', { ...PERSISTENT, receiveMaximum: 10 });
    again.saturated = true;
    await broker.settle();
    again.take();
    broker.drain(again);
    await broker.settle();
    assert.equal(again.takeMessages().length + (10 - again.session!.window.count), 9);
  });

  it('is given up and counted where the journal has it no more, or the client takes only smaller packets', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    broker.publish('a/b', 'gone', { qos: 1 });
    await broker.settle();
    broker.publish('a/b', 'x'.repeat(1000), { qos: 1 });
    await broker.settle();
    client.take();
    await broker.journal.trim('default', 1);
    const again = await reconnect(broker, client, { maximumPacketSize: 100 });
    assert.deepEqual([again.take(), again.session!.window.count], [[], 0]);
    for (const reason of ['retention', 'too_large'])
      assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, reason)), 1, reason);
  });

  it('begins again with the next connection when it is taken over in the middle', async () => {
    const { broker, client } = await start(1);
    await using _ = broker;
    for (const text of ['1', '2', '3']) broker.publish('a/b', text, { qos: 1 });
    await broker.settle();
    client.close(CLOSE_REASONS.clientClosed);
    const second = await broker.connect('c', PERSISTENT);
    const third = await broker.connect('c', PERSISTENT);
    await broker.settle();
    assert.equal(second.closeReason, CLOSE_REASONS.sessionTakenOver);
    assert.deepEqual(third.takeMessages().map(textOf), ['1', '2', '3']);
  });
});
