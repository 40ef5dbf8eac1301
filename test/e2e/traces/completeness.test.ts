import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTRIBUTES, type AttributeType, SPANS } from '../../../src/telemetry/catalogue.ts';
import type { ReceivedSpan, ReceivedValue } from '../../../src/telemetry/testing/otlp-decoder.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

const TYPES: Readonly<Record<AttributeType, (value: ReceivedValue) => boolean>> = {
  string: (value) => typeof value === 'string',
  int: (value) => Number.isInteger(value),
  double: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  'string[]': (value) => Array.isArray(value),
};

/** Clients that do what clients do, and what they should not, and leave in every way there is. */
async function everything(traced: TracedBroker): Promise<void> {
  const persistent = { cleanStart: false, properties: { sessionExpiryInterval: 60 } };
  const will = { topic: 'will', payload: Buffer.from('w'), qos: 1, retain: false, properties: {} } as const;
  const [one, two, slow] = await Promise.all([
    traced.connect({ clientId: 'one' }),
    traced.connect({ clientId: 'two', will, ...persistent }),
    traced.connect({ clientId: 'slow', ...persistent }),
  ]);
  for (const client of [one, two]) await client.subscribe(['#', '$share/group/shared']);
  await slow.subscribe('#');
  await one.publish('retained', 'r', { qos: 1, retain: true });
  for (const topic of ['shared', 'plain']) for (const qos of [0, 1, 2] as const) await one.publish(topic, 'm', { qos });
  await one.publish('expiring', 'm', { qos: 1, properties: { messageExpiryInterval: 1 } });
  await one.unsubscribe('$share/group/shared');
  await one.publish('../#', '').catch(() => undefined);
  await leaveInAllWays(traced, { one, two, slow });
}

/** `slow` has not acknowledged a thing: its deliveries are open until its connection ends. */
async function leaveInAllWays(
  traced: TracedBroker,
  { one, two, slow }: Readonly<Record<'one' | 'two' | 'slow', RawClient>>,
): Promise<void> {
  const usurper = await traced.connect({
    clientId: 'slow',
    cleanStart: false,
    properties: { sessionExpiryInterval: 60 },
  });
  await slow.take('disconnect');
  await usurper.expect('publish');
  await usurper.drop();
  await two.drop();
  await one.drop();
  const another = await traced.connect({ clientId: 'another' });
  await another.expectNothing();
  await another.disconnect();
}

/** The names of spans that begin a trace here, or may: what has no parent is one of them. */
const MAY_BEGIN = /^(mqtt\/|will\/publish$|client\/push$)/;

function assertInCatalogue(span: ReceivedSpan): void {
  const definition = Object.values(SPANS).find(({ name }) => name === span.name);
  assert.ok(definition, `${span.name} is in the catalogue`);
  assert.equal(span.kind, definition.kind, span.name);
  assert.equal(span.resource['service.name'], `robustmq-${definition.role}`, span.name);
  const events = span.events.flatMap(({ attributes }) => Object.entries(attributes));
  for (const [key, value] of [...Object.entries(span.attributes), ...events]) {
    const attribute = Object.values(ATTRIBUTES).find((candidate) => candidate.key === key);
    assert.ok(attribute, `${key} of ${span.name} is in the catalogue`);
    assert.ok(TYPES[attribute.type](value), `${key} of ${span.name} is ${attribute.type}: ${JSON.stringify(value)}`);
  }
}

describe('what leaves the process', () => {
  it('stands in the catalogue, hangs together, and leaves no span open behind it', async () => {
    await using traced = await TracedBroker.start();
    await everything(traced);
    await traced.span('mqtt/disconnect', { 'mqtt.client_id': 'another' });
    const metrics = await traced.metrics();
    assert.equal(metrics.get('robustmq_open_spans'), 0);
    for (const reason of ['pool_full', 'parent_ended', 'queue_full', 'export_failed'])
      assert.equal(metrics.get(`robustmq_spans_dropped_total{reason="${reason}"}`), 0, reason);
    const spans = await traced.stop();
    const ids = new Map(spans.map((span) => [span.spanId, span]));
    assert.equal(ids.size, spans.length);
    for (const span of spans) {
      assertInCatalogue(span);
      const parent = ids.get(span.parentSpanId);
      if (parent === undefined) assert.match(span.name, MAY_BEGIN);
      else assert.equal(parent.traceId, span.traceId);
    }
    assert.ok(spans.some(({ attributes }) => attributes['robustmq.delivery.redelivered'] === true));
    assert.ok(spans.some(({ name }) => name === 'will/publish'));
  });

  it('also holds what was open when the broker stopped', async () => {
    await using traced = await TracedBroker.start();
    await using subscriber = await traced.connect({ clientId: 'silent' });
    await subscriber.subscribe('open');
    await using publisher = await traced.connect();
    await publisher.publish('open', '', { qos: 1 });
    await publisher.publish('open', '', { qos: 2 });
    await subscriber.expect('publish');
    assert.equal((await traced.metrics()).get('robustmq_open_spans'), 2);
    const confirms = (await traced.stop()).filter(({ name }) => name === 'delivery/confirm');
    assert.deepEqual(
      confirms.map(({ attributes }) => attributes['error.type']),
      ['disconnected', 'disconnected'],
    );
    const goodbyes = traced.receiver.spans.filter(({ name }) => name === 'mqtt/disconnect');
    assert.deepEqual(
      goodbyes.map(({ attributes, status }) => [attributes['mqtt.reason_code'], status.code]),
      [
        [0x8b, 'unset'],
        [0x8b, 'unset'],
      ],
    );
  });
});
