import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../telemetry/catalogue.ts';
import type { FinishedSpan } from '../../telemetry/finished-span.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { textOf, withoutTrace } from '../testing/packet-stream.ts';

const PERSISTENT = { expirySeconds: 1000 };

function attribute(span: FinishedSpan, key: string): unknown {
  return span.attributes.find(({ definition }) => definition.key === key)?.value;
}

/** A traced message to a session that is away, which comes back after so many seconds. */
async function deliverAfter(seconds: number) {
  const broker = await BrokerUnderTest.start({ 'telemetry.link_after_ms': 60_000 });
  const client = await broker.connect('c', PERSISTENT);
  await broker.subscribe(client, 'a', { qos: 1 });
  client.close(CLOSE_REASONS.clientClosed);
  broker.publish('a', 'x', { qos: 1 });
  await broker.settle();
  broker.clock.advanceSeconds(seconds);
  const again = await broker.connect('c', PERSISTENT);
  await broker.settle();
  for (const packet of again.take()) broker.answer(again, packet);
  const [published] = broker.spansNamed('mqtt/publish');
  const [push] = broker.spansNamed('client/push');
  return { broker, published: published!, push: push! };
}

describe('a message that is delivered later than it was published', () => {
  it("belongs to its publisher's trace within the time that the operator set", async () => {
    const { broker, published, push } = await deliverAfter(59);
    await using _ = broker;
    assert.equal(push.traceId, published.traceId);
    assert.deepEqual(push.parent, { type: 'remote', spanId: published.spanId });
    assert.equal(attribute(push, 'robustmq.delivery.waited_ms'), 59_000);
    assert.equal(attribute(push, 'mqtt.client_id'), 'c');
  });

  it('is a trace of its own after that, linked to that of its publisher', async () => {
    const { broker, published, push } = await deliverAfter(61);
    await using _ = broker;
    assert.notEqual(push.traceId, published.traceId);
    assert.deepEqual(
      push.links.map(({ traceId, spanId }) => [traceId, spanId]),
      [[published.traceId, published.spanId]],
    );
  });

  for (const [when, seconds] of [
    ["within that time, ends its publisher's trace with an error", 10],
    ['after it, is a trace of its own, linked and failed', 70],
  ] as const)
    it(`and that has expired ${when}`, async () => {
      await using broker = await BrokerUnderTest.start({ 'telemetry.link_after_ms': 60_000 });
      const client = await broker.connect('c', PERSISTENT);
      await broker.subscribe(client, 'a', { qos: 1 });
      client.close(CLOSE_REASONS.clientClosed);
      broker.publish('a', 'x', { qos: 1, expirySeconds: 5 });
      await broker.settle();
      broker.clock.advanceSeconds(seconds);
      await broker.connect('c', PERSISTENT);
      await broker.settle();
      const [published] = broker.spansNamed('mqtt/publish');
      const [push, more] = broker.spansNamed('client/push');
      assert.equal(more, undefined);
      assert.equal(push!.traceId === published!.traceId, seconds < 60);
      if (seconds > 60) assert.equal(push!.links[0]!.traceId, published!.traceId);
      assert.equal(attribute(push!, 'robustmq.drop.reason'), 'expired');
      assert.equal(attribute(push!, 'mqtt.client_id'), 'c');
      assert.equal(attribute(push!, 'mqtt.topic'), 'a');
      assert.equal(attribute(push!, 'robustmq.delivery.waited_ms'), seconds * 1000);
      assert.equal(push!.failure?.message, 'the message expired before it was delivered');
      assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 1);
    });

  it('is recorded where the head did not choose its trace, and says so on', async () => {
    await using broker = await BrokerUnderTest.start({ 'telemetry.sampling.rate': 0 });
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    client.saturated = true;
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    broker.drain(client);
    await broker.settle();
    const [message] = client.takeMessages();
    broker.answer(client, message!);
    const [push] = broker.spansNamed('client/push');
    const traceparent = `00-${push!.traceId}-${push!.spanId}-00`;
    assert.deepEqual(message!.properties.userProperties, [['traceparent', traceparent]]);
  });
});

describe('retained messages for a new subscription', () => {
  /** Owes the client what is retained, as SUBSCRIBE does. */
  async function owe(broker: BrokerUnderTest, client: Awaited<ReturnType<BrokerUnderTest['connect']>>, filter: string) {
    const { router, retained, catchUp } = broker.assembly;
    const subscription = router.find(client.session!, filter)!;
    client.session!.owedRetained.push({ subscription, topics: retained.matching(filter), waiting: undefined });
    catchUp.wake(client.session!);
    await broker.settle();
  }

  it('keep their retain flag [MQTT-3.3.1-8], at the lower QoS of the two', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('a/0', 'zero', { qos: 0, retain: true });
    broker.publish('a/1', 'one', { qos: 1, retain: true });
    broker.publish('a/2', 'two', { qos: 2, retain: true });
    await broker.settle();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a/+', { qos: 1 });
    await owe(broker, client, 'a/+');
    const got = client.takeMessages().map((packet) => [textOf(packet), packet.qos, packet.retain]);
    assert.deepEqual(got.sort(), [
      ['one', 1, true],
      ['two', 1, true],
      ['zero', 0, true],
    ]);
  });

  it('wait for room in the window, and none is forgotten', async () => {
    await using broker = await BrokerUnderTest.start();
    for (let index = 0; index < 10; index += 1) broker.publish(`a/${index}`, String(index), { qos: 1, retain: true });
    await broker.settle();
    const client = await broker.connect('c', { receiveMaximum: 2 });
    await broker.subscribe(client, 'a/+', { qos: 1 });
    await owe(broker, client, 'a/+');
    const texts: string[] = [];
    for (let round = 0; round < 10 && texts.length < 10; round += 1) {
      const packets = client.takeMessages();
      assert.ok(packets.length <= 2);
      texts.push(...packets.map(textOf));
      for (const packet of packets) broker.answer(client, packet);
      await broker.settle();
    }
    assert.deepEqual(texts.sort(), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('do not come when they have expired, and are counted', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('a', 'x', { qos: 1, retain: true, expirySeconds: 5 });
    await broker.settle();
    broker.clock.advanceSeconds(6);
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1 });
    await owe(broker, client, 'a');
    assert.deepEqual(client.takeMessages(), []);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 1);
    const [publish] = broker.spansNamed('mqtt/publish');
    const [push] = broker.spansNamed('client/push');
    assert.equal(push!.traceId, publish!.traceId);
    assert.equal(attribute(push!, 'robustmq.drop.reason'), 'expired');
    assert.equal(attribute(push!, 'mqtt.client_id'), 'c');
    assert.equal(attribute(push!, 'robustmq.delivery.waited_ms'), 6000);
  });

  it('that went while they were searched for are not counted as dropped', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('a', 'x', { qos: 1, retain: true });
    await broker.settle();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1 });
    const { router, retained, catchUp } = broker.assembly;
    const subscription = router.find(client.session!, 'a')!;
    client.session!.owedRetained.push({ subscription, topics: retained.matching('a'), waiting: 'a' });
    broker.publish('a', '', { retain: true });
    catchUp.wake(client.session!);
    await broker.settle();
    client.takeMessages();
    assert.deepEqual(client.session!.owedRetained, []);
    assert.equal(broker.count(counterId(METRICS.messagesDroppedTotal, 'expired')), 0);
  });

  it('that were not acknowledged are sent again, as what they were, and do not keep a session from being saved', async () => {
    await using broker = await BrokerUnderTest.start();
    broker.publish('a', 'x', { qos: 1, retain: true });
    await broker.settle();
    const client = await broker.connect('c', PERSISTENT);
    await broker.subscribe(client, 'a', { qos: 1 });
    await owe(broker, client, 'a');
    const [sent] = client.takeMessages();
    client.close(CLOSE_REASONS.clientClosed);
    await broker.assembly.checkpoint.take();
    for (const end of ['connection', 'broker']) {
      if (end === 'broker') await broker.crash();
      const again = await broker.connect('c', PERSISTENT);
      await broker.settle();
      const messages = again.takeMessages().map(withoutTrace);
      assert.deepEqual(messages, [{ ...withoutTrace(sent!), duplicate: true }], `after the end of the ${end}`);
      again.close(CLOSE_REASONS.clientClosed);
    }
  });
});
