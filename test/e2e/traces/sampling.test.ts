import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RawClient } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

const CALLER_ID = '00f067aa0ba902b7';

const publishFrom = (client: RawClient, topic: string, traceId: string, flags: '00' | '01') =>
  client.publish(topic, '', {
    qos: 1,
    properties: { userProperties: [['traceparent', `00-${traceId}-${CALLER_ID}-${flags}`]] },
  });

/** A trace id whose deciding bits (the top of its 56 random ones) are this share of all. */
function traceIdAt(share: number): string {
  const bits = Math.floor(share * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  return `${'1'.repeat(18)}${bits}${'1'.repeat(6)}`;
}

describe('head sampling', () => {
  it('at rate 0 records what a caller sampled, and nothing else', async () => {
    await using traced = await TracedBroker.start({ settings: { 'telemetry.sampling.rate': 0 } });
    await using client = await traced.connect();
    await client.subscribe('#');
    for (const qos of [0, 1, 2] as const) {
      await client.publish('own', '', { qos });
      await client.receive();
    }
    const traceId = traceIdAt(0.5);
    await publishFrom(client, 'callers', traceId, '01');
    await client.receive();
    await client.disconnect();
    const spans = await traced.stop();
    assert.deepEqual([...new Set(spans.map((span) => span.traceId))], [traceId]);
    assert.ok(spans.some(({ name }) => name === 'mqtt/puback'));
  });

  it('at rate 1 records all but what a caller did not sample', async () => {
    await using traced = await TracedBroker.start({ settings: { 'telemetry.sampling.rate': 1 } });
    await using client = await traced.connect();
    for (let count = 0; count < 50; count += 1) await client.publish('own', '', { qos: 1 });
    await publishFrom(client, 'callers', traceIdAt(0.99), '00');
    const spans = await traced.stop();
    const topics = spans
      .filter(({ name }) => name === 'mqtt/publish')
      .map(({ attributes }) => attributes['mqtt.topic']);
    assert.deepEqual(topics, Array(50).fill('own'));
  });

  it('in between chooses whole traces, and those whose ids any other service would choose', async () => {
    const rate = 0.5;
    await using traced = await TracedBroker.start({ settings: { 'telemetry.sampling.rate': rate } });
    await using client = await traced.connect();
    await client.subscribe({ filter: '#', qos: 1 });
    const messages = 200;
    for (let count = 0; count < messages; count += 1) {
      client.sendPublish('many', '', { qos: 1 });
      client.sendAck('puback', (await client.take('publish')).packetId);
      await client.take('puback');
    }
    await client.disconnect();
    const spans = await traced.stop();
    const publishes = spans.filter(({ name }) => name === 'mqtt/publish');
    // 10 standard deviations on either side: not by chance in the life of this repository.
    assert.ok(publishes.length > 30 && publishes.length < 170, `${publishes.length} of ${messages}`);
    for (const { traceId } of publishes) {
      assert.ok(Number.parseInt(traceId.slice(18, 26), 16) >= (1 - rate) * 2 ** 32, traceId);
      const names = spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
      for (const name of ['storage/persist', 'journal/write', 'client/push', 'delivery/confirm', 'mqtt/puback'])
        assert.ok(names.includes(name), `${name} in ${traceId}`);
    }
  });
});

describe('what happened to a message keeps its trace, whatever the rate', () => {
  const reasonOf = async (traced: TracedBroker, topic: string) => {
    const { traceId, attributes } = await traced.span('mqtt/publish', { 'mqtt.topic': topic });
    return { traceId, reason: attributes['robustmq.sampling.reason'] };
  };

  it('dropped, where a subscriber did not get it, and error, where the publisher was refused', async () => {
    const settings = { 'telemetry.sampling.rate': 0, 'mqtt.max_retained_messages': 1 };
    const toml = '[[authorization.rules]]\npermission = "deny"\naction = "publish"\ntopics = ["secret"]\n';
    const rest = '[[authorization.rules]]\npermission = "allow"\naction = "all"\ntopics = ["#"]\n';
    await using traced = await TracedBroker.start({ settings, toml: toml + rest });
    await using small = await traced.connect({ clientId: 'small', properties: { maximumPacketSize: 50 } });
    await small.subscribe('large');
    await using client = await traced.connect();
    await client.publish('large', 'x'.repeat(100), { qos: 1 });
    await client.publish('secret', '', { qos: 1 });
    for (const topic of ['kept', 'beyond']) await client.publish(topic, 'x', { qos: 1, retain: true });
    assert.equal((await reasonOf(traced, 'large')).reason, 'dropped');
    assert.equal((await reasonOf(traced, 'secret')).reason, 'error');
    const { traceId, reason } = await reasonOf(traced, 'beyond');
    assert.equal(reason, 'dropped');
    await traced.trace(traceId, ['message/retain']);
    const metrics = await traced.metrics();
    assert.equal(metrics.get('robustmq_traces_kept_total{reason="dropped"}'), 2);
    assert.equal(metrics.get('robustmq_traces_kept_total{reason="error"}'), 1);
  });
});
