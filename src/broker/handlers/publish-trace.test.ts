import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RawClient } from '../../../test/support/raw-client.ts';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { RecordView } from '../../journal/record-batch.ts';
import type { Packet } from '../../mqtt/packets.ts';
import { ATTRIBUTES } from '../../telemetry/catalogue.ts';
import { isSampled, spanIdOf, traceIdOf } from '../../telemetry/trace-context.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { TestClock } from '../testing/test-clock.ts';

const TRACE_ID = 'ab'.repeat(16);
const SPAN_ID = 'cd'.repeat(8);
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`;
const UNSAMPLED = `00-${TRACE_ID}-${SPAN_ID}-00`;

type Settings = Parameters<typeof BrokerUnderTest.start>[0];
type Engines = Parameters<typeof BrokerUnderTest.start>[1];

/** A publisher on a real socket, and what became of its messages. */
async function open(settings: Settings = {}, engines: Engines = {}) {
  const broker = await BrokerUnderTest.start(settings, engines);
  const client = await RawClient.connect({ port: await broker.listen(), clientId: 'c' });
  return {
    broker,
    client,
    publishSpans: () => broker.spansNamed('mqtt/publish'),
    /** Publishes with the header, in as many user properties as given, at QoS 1; returns the record that is kept. */
    async storedWith(...traceparents: string[]): Promise<RecordView> {
      const userProperties = traceparents.map((value): [string, string] => ['traceparent', value]);
      await client.publish('a', 'x', { qos: 1, properties: { userProperties } });
      const { entries } = await broker.journal.read('default', { from: 0, maxRecords: 1, maxBytes: 1000 });
      return new RecordView().at(entries[0]!.buffer, entries[0]!.position);
    },
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

function contextOf(record: RecordView) {
  const { buffer, contextStart } = record;
  return {
    traceId: traceIdOf(buffer, contextStart),
    spanId: spanIdOf(buffer, contextStart),
    sampled: isSampled(buffer, contextStart),
  };
}

describe('the trace of a PUBLISH', () => {
  it('is begun by the broker where the publisher has none, and stored with the message', async () => {
    await using setup = await open();
    const record = await setup.storedWith();
    const [span, ...others] = setup.publishSpans();
    assert.deepEqual([span!.parent, others], [{ type: 'none' }, []]);
    assert.deepEqual(contextOf(record), { traceId: span!.traceId, spanId: span!.spanId, sampled: true });
  });

  it("goes on with the publisher's (W3C Trace Context section 2.3)", async () => {
    await using setup = await open();
    const record = await setup.storedWith(SAMPLED);
    const [span] = setup.publishSpans();
    assert.deepEqual([span!.traceId, span!.parent], [TRACE_ID, { type: 'remote', spanId: SPAN_ID }]);
    assert.deepEqual(contextOf(record), { traceId: TRACE_ID, spanId: span!.spanId, sampled: true });
  });

  it("is not chosen where the publisher's is not, and says so with the message", async () => {
    await using setup = await open();
    const record = await setup.storedWith(UNSAMPLED);
    const [span] = setup.publishSpans();
    assert.deepEqual([span!.traceId, span!.parent], [TRACE_ID, { type: 'remote', spanId: SPAN_ID }]);
    assert.deepEqual(contextOf(record), { traceId: TRACE_ID, spanId: span!.spanId, sampled: false });
  });

  it('is recorded whatever the rate, which only decides what subscribers are told of it', async () => {
    await using setup = await open({ 'telemetry.sampling.rate': 0 });
    await setup.client.subscribe('a');
    const record = await setup.storedWith();
    const [span] = setup.publishSpans();
    assert.deepEqual(contextOf(record), { traceId: span!.traceId, spanId: span!.spanId, sampled: false });
    const message = await setup.client.take('publish');
    const [[name, value]] = message.properties.userProperties as [[string, string]];
    assert.match(`${name} ${value}`, new RegExp(`^traceparent 00-${span!.traceId}-[0-9a-f]{16}-00$`));
  });

  it('begins anew where the header is none, or there twice (section 4.3), which changes nothing for the message', async () => {
    const other = `00-${'11'.repeat(16)}-${SPAN_ID}-01`;
    for (const broken of [[''], ['nonsense'], [SAMPLED.toUpperCase()], [`${SAMPLED}-more`], [SAMPLED, other]]) {
      await using setup = await open();
      await setup.client.subscribe('a');
      const record = await setup.storedWith(...broken);
      const [span] = setup.publishSpans();
      assert.deepEqual([span!.parent, contextOf(record).traceId], [{ type: 'none' }, span!.traceId]);
      assert.deepEqual(span!.links, []);
      const message = await setup.client.take('publish');
      assert.deepEqual(
        message.properties.userProperties,
        broken.map((value) => ['traceparent', value]),
      );
    }
  });

  it('is linked to the publisher’s, and not its own, where the listener trusts it that far', async () => {
    await using setup = await open({ 'listeners.0.trace_context': 'link' });
    const record = await setup.storedWith(SAMPLED);
    const [span] = setup.publishSpans();
    assert.deepEqual([span!.parent, contextOf(record).traceId], [{ type: 'none' }, span!.traceId]);
    assert.notEqual(span!.traceId, TRACE_ID);
    assert.deepEqual(span!.links, [{ traceId: TRACE_ID, spanId: SPAN_ID, sampled: true }]);
  });

  it('is recorded by the broker’s own choice where the publisher’s is only linked', async () => {
    await using all = await open({ 'listeners.0.trace_context': 'link' });
    await all.storedWith(UNSAMPLED);
    assert.equal(all.publishSpans().length, 1);
    assert.equal(all.publishSpans()[0]!.links.length, 1);
  });

  it('has nothing to do with the publisher’s where the listener ignores it', async () => {
    await using setup = await open({ 'listeners.0.trace_context': 'ignore' });
    await setup.client.subscribe('a');
    const record = await setup.storedWith(SAMPLED);
    const [span] = setup.publishSpans();
    assert.deepEqual([span!.parent, span!.links, contextOf(record).traceId], [{ type: 'none' }, [], span!.traceId]);
    assert.notEqual(span!.traceId, TRACE_ID);
    const message = await setup.client.take('publish');
    assert.deepEqual(message.properties.userProperties, [['traceparent', SAMPLED]]);
  });

  it('shows to subscribers as the header the publisher sent, and only where it sent none as one of the broker', async () => {
    await using setup = await open();
    await setup.client.subscribe('a');
    await setup.client.publish('a', 'x', { properties: { userProperties: [['traceparent', SAMPLED]] } });
    await setup.client.publish('a', 'y');
    const [own, given] = [await setup.client.expect('publish'), await setup.client.expect('publish')];
    assert.deepEqual(own.properties.userProperties, [['traceparent', SAMPLED]]);
    const [, span] = setup.publishSpans();
    assert.ok(given.properties.userProperties?.[0]?.[1].includes(span!.traceId));
  });

  it('of one message does not leak into the next', async () => {
    await using setup = await open();
    const userProperties: [string, string][] = [['traceparent', UNSAMPLED]];
    await setup.client.publish('a', 'x', { qos: 1, properties: { userProperties } });
    await setup.client.publish('a', 'y', { qos: 1 });
    const [first, second] = setup.publishSpans();
    assert.deepEqual([first!.traceId, second!.parent], [TRACE_ID, { type: 'none' }]);
    assert.notEqual(second!.traceId, TRACE_ID);
  });
});

describe('mqtt/publish', () => {
  it('says who published what, and in what state the broker was', async () => {
    await using setup = await open({ 'cluster.name': 'tests', 'node.id': 'broker-7' });
    const other = await RawClient.connect({ port: await setup.broker.listen(), clientId: 'other' });
    const publish: Packet = {
      ...{ type: 'publish', topic: 'a/b', payload: Buffer.from('12345'), qos: 1, retain: true, duplicate: true },
      ...{ packetId: 9, properties: {} },
    };
    setup.client.send(publish);
    await setup.client.take('puback');
    await other.drop();
    const said = attributesOf(setup.publishSpans()[0]);
    const session = setup.broker.assembly.lifecycle.sessions.get('c')!;
    for (const [attribute, value] of [
      [ATTRIBUTES.mqttClientId, 'c'],
      [ATTRIBUTES.mqttTopic, 'a/b'],
      [ATTRIBUTES.mqttQos, 1],
      [ATTRIBUTES.mqttRetain, true],
      [ATTRIBUTES.mqttPayloadSize, 5],
      [ATTRIBUTES.mqttPacketId, 9],
      [ATTRIBUTES.mqttDuplicate, true],
      [ATTRIBUTES.networkPeerAddress, '127.0.0.1'],
      [ATTRIBUTES.robustmqCluster, 'tests'],
      [ATTRIBUTES.robustmqBrokerId, 'broker-7'],
      [ATTRIBUTES.robustmqSessionId, String(session.number)],
      [ATTRIBUTES.performanceConnectionCount, 2],
      [ATTRIBUTES.performanceQueueDepth, 0],
    ] as const)
      assert.equal(said.get(attribute), value, attribute.key);
    assert.ok(said.has(ATTRIBUTES.networkPeerPort));
  });

  it('of QoS 0 has no packet identifier, and no DUP where there is none', async () => {
    await using setup = await open();
    await setup.client.publish('a', 'x');
    await setup.client.expectNothing();
    const said = attributesOf(setup.publishSpans()[0]);
    assert.deepEqual([said.has(ATTRIBUTES.mqttPacketId), said.has(ATTRIBUTES.mqttDuplicate)], [false, false]);
    assert.deepEqual([said.get(ATTRIBUTES.mqttRetain), said.get(ATTRIBUTES.performanceSuccess)], [false, true]);
  });

  it('ends when the message is answered, with how long that took and how many wait behind it', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using setup = await open({}, { journal: controlled.journal });
    for (const text of ['1', '2', '3']) {
      setup.client.sendPublish('a', text, { qos: 1 });
      await setup.client.expectNothing();
    }
    assert.deepEqual(setup.publishSpans(), []);
    setup.broker.clock.advanceSeconds(2);
    controlled.settle('commit');
    await setup.client.expect('puback');
    controlled.settle('commit');
    await setup.client.expect('puback');
    await setup.client.expect('puback');
    const said = setup.publishSpans().map(attributesOf);
    assert.deepEqual(
      said.map((attributes) => [
        attributes.get(ATTRIBUTES.performanceQueueDepth),
        attributes.get(ATTRIBUTES.performanceLatencyMs),
        attributes.get(ATTRIBUTES.performanceSuccess),
      ]),
      [
        [2, 2000, true],
        [0, 2000, true],
        [0, 2000, true],
      ],
    );
  });

  it('has failed where the message could not be stored', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using setup = await open({}, { journal: controlled.journal });
    setup.client.sendPublish('a', 'x', { qos: 1 });
    await setup.client.expectNothing();
    controlled.settle('fail');
    await setup.client.expect('puback');
    const [span] = setup.publishSpans();
    const said = attributesOf(span);
    assert.deepEqual(
      [span!.failure !== null, said.get(ATTRIBUTES.errorType), said.get(ATTRIBUTES.performanceSuccess)],
      [true, 'storage_failed', false],
    );
  });

  it('has failed where no rule allows the message', async () => {
    await using setup = await open();
    setup.broker.assembly.access.replace(
      compileAccessRules([{ permission: 'deny', action: 'publish', topics: ['secret'] }]),
    );
    await setup.client.publish('secret', 'x', { qos: 1 });
    const said = attributesOf(setup.publishSpans()[0]);
    assert.deepEqual(
      [said.get(ATTRIBUTES.errorType), said.get(ATTRIBUTES.performanceSuccess)],
      ['not_authorized', false],
    );
  });
});
