import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Qos } from '../../../src/mqtt/packets.ts';
import type { ReceivedSpan } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { RawClient } from '../../support/raw-client.ts';
import { publishTree } from './support/publish-tree.ts';
import { namesIn, treeOf } from './support/span-tree.ts';
import { TracedBroker } from './support/traced-broker.ts';

describe('a PUBLISH is one trace', () => {
  let traced: TracedBroker;
  before(async () => {
    traced = await TracedBroker.start();
  });
  after(() => traced[Symbol.asyncDispose]());

  /** Publishes to one subscriber and returns the whole trace. */
  async function publish(topic: string, published: Qos, granted: Qos): Promise<readonly ReceivedSpan[]> {
    await using subscriber = await RawClient.connect({ port: traced.port, clientId: `sub-${topic}` });
    await using publisher = await RawClient.connect({ port: traced.port, clientId: `pub-${topic}` });
    await subscriber.subscribe({ filter: topic, qos: granted });
    await Promise.all([publisher.publish(topic, '12345', { qos: published }), subscriber.receive()]);
    const { traceId } = await traced.span('mqtt/publish', { 'mqtt.topic': topic });
    return traced.trace(traceId, namesIn(publishTree(published, granted)));
  }

  for (const published of [0, 1, 2] as const)
    for (const granted of [0, 1, 2] as const)
      it(`of QoS ${published} to a subscriber of QoS ${granted}`, async () => {
        assert.deepEqual(
          treeOf(await publish(`tree/${published}/${granted}`, published, granted)),
          publishTree(published, granted),
        );
      });

  it('with the attributes of the message, the broker and the storage', async () => {
    const trace = await publish('attributes', 1, 1);
    const attributesOf = (name: string) => ({ ...trace.find((span) => span.name === name)!.attributes });
    const root = attributesOf('mqtt/publish');
    for (const [key, type] of [
      ['network.peer.port', 'number'],
      ['robustmq.session_id', 'string'],
      ['performance.queue_depth', 'number'],
      ['performance.latency_ms', 'number'],
    ] as const) {
      assert.equal(typeof root[key], type, key);
      delete root[key];
    }
    assert.partialDeepStrictEqual(root, {
      'mqtt.client_id': 'pub-attributes',
      'mqtt.topic': 'attributes',
      'mqtt.qos': 1,
      'mqtt.retain': false,
      'mqtt.payload_size': 5,
      'mqtt.packet_id': 1,
      'network.peer.address': '127.0.0.1',
      'robustmq.cluster': 'robustmq',
      'robustmq.broker_id': 'broker-1',
      'performance.connection_count': 2,
      'performance.success': true,
      'robustmq.sampling.reason': 'head',
    });
    const storage = attributesOf('storage/journal.write');
    assert.deepEqual(
      [storage['storage.operation'], storage['storage.segment_id'], storage['storage.success']],
      ['append', '0', true],
    );
    assert.ok((storage['storage.data_size'] as number) > 5);
    assert.equal(typeof storage['storage.offset'], 'number');
    assert.equal(attributesOf('cluster/route')['robustmq.route.shard'], 'default');
    assert.equal(attributesOf('subscription/match')['robustmq.subscription.count'], 1);
    assert.equal(attributesOf('client/push')['mqtt.client_id'], 'sub-attributes');
    assert.equal(attributesOf('delivery/confirm')['mqtt.reason_code'], 0);
    assert.deepEqual(
      trace.map(({ status }) => status.code).filter((code) => code !== 'unset'),
      [],
    );
  });

  it('in which a child never begins before its parent', async () => {
    const trace = await publish('times', 2, 2);
    for (const span of trace) {
      assert.ok(span.endedAt >= span.startedAt, span.name);
      const parent = trace.find(({ spanId }) => spanId === span.parentSpanId);
      if (parent !== undefined) assert.ok(span.startedAt >= parent.startedAt, `${span.name} below ${parent.name}`);
    }
  });

  it('also for the publisher itself, and with nobody there', async () => {
    await using client = await traced.connect({ clientId: 'alone' });
    await client.publish('alone', '', { qos: 1 });
    const { traceId } = await traced.span('mqtt/publish', { 'mqtt.topic': 'alone' });
    assert.deepEqual(treeOf(await traced.trace(traceId, ['journal/commit'])), publishTree(1));
    await client.subscribe({ filter: 'self', qos: 0 });
    client.sendPublish('self', '');
    await client.receive();
    const self = await traced.span('mqtt/publish', { 'mqtt.topic': 'self' });
    assert.deepEqual(treeOf(await traced.trace(self.traceId, ['client/push'])), publishTree(0, 0));
  });

  it('with 32 pushes of a fan-out of 40, and one span for the other 8', async () => {
    const subscribers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => RawClient.connect({ port: traced.port, clientId: `fan-${index}` })),
    );
    await Promise.all(subscribers.map((subscriber) => subscriber.subscribe({ filter: 'fan', qos: 1 })));
    await using publisher = await traced.connect();
    await Promise.all([publisher.publish('fan', '', { qos: 1 }), ...subscribers.map((client) => client.receive())]);
    const { traceId } = await traced.span('mqtt/publish', { 'mqtt.topic': 'fan' });
    const names = ['client/push', 'delivery/confirm', 'mqtt/puback'];
    await traced.trace(
      traceId,
      names.flatMap((name) => Array<string>(32).fill(name)),
    );
    await Promise.all(subscribers.map((subscriber) => subscriber.disconnect()));
    const trace = await traced.trace(traceId, []);
    const pushes = trace.filter(({ name }) => name === 'client/push');
    assert.equal(pushes.length, 33);
    const [rest, ...others] = pushes.filter(({ attributes }) => 'robustmq.push.count' in attributes);
    assert.equal(others.length, 0);
    const { 'robustmq.push.slowest_ms': slowest, ...counts } = rest!.attributes;
    assert.partialDeepStrictEqual(counts, { 'robustmq.push.count': 8, 'robustmq.push.failures': 0 });
    assert.ok((slowest as number) >= 0);
    assert.equal(new Set(pushes.map(({ attributes }) => attributes['mqtt.client_id'])).size, 33);
    assert.equal(trace.filter(({ name }) => name === 'delivery/confirm').length, 32);
  });

  it('whose commit is linked to every message that it carried', async () => {
    await using publisher = await traced.connect();
    const topics = Array.from({ length: 20 }, (_, index) => `batch/${index}`);
    for (const topic of topics) publisher.sendPublish(topic, '', { qos: 1 });
    const publishes = await Promise.all(topics.map((topic) => traced.span('mqtt/publish', { 'mqtt.topic': topic })));
    const traces = new Set(publishes.map(({ traceId }) => traceId));
    assert.equal(traces.size, topics.length);
    await Promise.all([...traces].map((traceId) => traced.trace(traceId, ['journal/write'])));
    const commits = traced.receiver.spans.filter(
      ({ name, traceId }) => name === 'journal/commit' && traces.has(traceId),
    );
    const linked = commits.flatMap(({ links }) => links.map(({ spanId }) => spanId));
    assert.deepEqual(linked.toSorted(), publishes.map(({ spanId }) => spanId).toSorted());
    for (const { attributes, links } of commits) {
      assert.equal(attributes['robustmq.linked_messages'], links.length);
      assert.equal(attributes['robustmq.journal.batch_records'], links.length);
    }
  });
});
