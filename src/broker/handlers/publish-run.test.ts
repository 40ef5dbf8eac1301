import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { PUSH_SPANS } from '../../telemetry/records/run-recorder.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { textOf } from '../testing/packet-stream.ts';
import type { TestClient } from '../testing/test-client.ts';
import { PublishRun } from './publish-run.ts';
import { PublishTrace } from './publish-trace.ts';

const DELIVERED = counterId(METRICS.messagesDeliveredTotal, '0');
const DROPPED = counterId(METRICS.messagesDroppedTotal, 'queue_full');

/** A broker, an MQTT 3.1.1 publisher, and a run that takes what it publishes. */
async function open(settings: Parameters<typeof BrokerUnderTest.start>[0] = {}) {
  const broker = await BrokerUnderTest.start(settings);
  const { router, topics, pusher } = broker.assembly;
  const { clock } = broker;
  const { metrics, recording } = broker.telemetry;
  const load = { connectionCount: () => 1, queueDepth: () => 0 };
  const trace = new PublishTrace(recording, load);
  const run = new PublishRun({ router, topics, pusher, metrics, recording, trace, load, clock });
  const publisher = await broker.connect('publisher', { version: 4 });
  return {
    broker,
    run,
    publisher,
    async subscriber(clientId: string, version: 4 | 5, ...filters: string[]): Promise<TestClient> {
      const client = await broker.connect(clientId, { version });
      for (const filter of filters) await broker.subscribe(client, filter);
      return client;
    },
    /** Hands on these messages as one read brings them; returns its bytes. */
    publish(...messages: (readonly [topic: string, text: string])[]): Buffer {
      const packets = messages.map(([topic, text]) => publishBytes(topic, text));
      const bytes = Buffer.concat(packets);
      let at = 0;
      for (const [index, [topic, text]] of messages.entries()) {
        const name = Buffer.from(topic);
        const end = at + packets[index]!.length;
        run.add(publisher, bytes, at, end, topics.intern(name, 0, name.length), Buffer.byteLength(text), clock.now());
        at = end;
      }
      run.flush();
      trace.endRead(clock.now());
      return bytes;
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

function publishBytes(topic: string, text: string): Uint8Array {
  const payload = Buffer.from(text);
  const flags = { qos: 0, retain: false, duplicate: false, packetId: 0 } as const;
  return encodePacket({ type: 'publish', topic, payload, ...flags, properties: {} }, 4);
}

function taken(client: TestClient): (readonly [string, string])[] {
  return client.takeMessages().map((packet) => [packet.topic, textOf(packet)] as const);
}

describe('a run of messages', () => {
  it('says when it had been pushed, for who would ask the clock next', async () => {
    await using setup = await open();
    const bytes = Buffer.from(publishBytes('a', 'x'));
    const topic = setup.broker.assembly.topics.intern(Buffer.from('a'), 0, 1);
    assert.equal(setup.run.flush(), 0);
    setup.run.add(setup.publisher, bytes, 0, bytes.length, topic, 1, setup.broker.clock.now());
    assert.equal(setup.run.flush(), setup.broker.clock.now());
  });

  it('brings every subscriber what it wants, once and in order [MQTT-4.6.0-5]', async () => {
    const filters = ['#', 'a/+', 'a/b', 'c'];
    const message = fc.tuple(fc.constantFrom('a/b', 'a/c', 'c', 'd'), fc.string({ maxLength: 20 }));
    const interest = fc.record({
      version: fc.constantFrom<4 | 5>(4, 5),
      filters: fc.uniqueArray(fc.constantFrom(...filters), { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { maxLength: 12 }), { maxLength: 3 }),
        fc.array(interest, { maxLength: 3 }),
        fc.uniqueArray(fc.constantFrom(...filters)),
        async (reads, interests, own) => {
          await using setup = await open();
          for (const filter of own) await setup.broker.subscribe(setup.publisher, filter);
          const subscribers = [{ client: setup.publisher, filters: own }];
          for (const [index, { version, filters }] of interests.entries())
            subscribers.push({ client: await setup.subscriber(`c${index}`, version, ...filters), filters });
          for (const read of reads) setup.publish(...read);
          for (const { client, filters } of subscribers)
            assert.deepEqual(
              taken(client),
              reads.flat().filter(([topic]) => filters.some((filter) => topicMatches(filter, topic))),
            );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is one copy to a subscriber of the same version', async () => {
    await using setup = await open();
    const client = await setup.subscriber('c', 4, '#');
    const bytes = setup.publish(['a', '1'], ['b', '2'], ['a', '3']);
    assert.deepEqual(client.output, bytes);
    assert.equal(setup.broker.count(DELIVERED), 3);
  });

  it('ends where the next message is for others', async () => {
    await using setup = await open();
    const client = await setup.subscriber('c', 4, 'a/#');
    const other = await setup.subscriber('other', 4, 'b');
    setup.publish(['a', '1'], ['a/x', '2'], ['b', '3'], ['a', '4']);
    assert.deepEqual(
      [taken(client).map(([, text]) => text), taken(other).map(([, text]) => text)],
      [['1', '2', '4'], ['3']],
    );
  });

  it('ends where the traces of the next message are chosen at another rate', async () => {
    const settings = {
      'telemetry.sampling.rate': 0,
      'telemetry.sampling.rules.0.topic': 'a/+',
      'telemetry.sampling.rules.0.rate': 1,
    };
    await using setup = await open(settings);
    const client = await setup.subscriber('c', 4, '#');
    const topics = ['a/1', 'a/2', 'b', 'c', 'a/1'];
    setup.publish(...topics.map((topic) => [topic, ''] as const));
    assert.deepEqual(
      taken(client).map(([topic]) => topic),
      topics,
    );
    const together = setup.broker.spansNamed('mqtt/publish').map((span) => {
      const said = attributesOf(span);
      return [said.get(ATTRIBUTES.mqttTopic), said.get(ATTRIBUTES.stageMessages)];
    });
    const runs = [2, 2, 2, 2, undefined];
    assert.deepEqual(
      together,
      topics.map((topic, index) => [topic, runs[index]]),
    );
  });

  it('counts what each subscriber gets: messages and bytes of their payloads', async () => {
    await using setup = await open();
    await setup.subscriber('old', 4, '#');
    await setup.subscriber('new', 5, '#');
    setup.publish(['a', '1'], ['a', '22'], ['b', '']);
    setup.publish(['a', '333']);
    const { metrics } = setup.broker.telemetry;
    assert.equal(metrics.value(counterId(METRICS.messagesDeliveredTotal, '0')), 2 * 4);
    assert.equal(metrics.value(counterId(METRICS.payloadBytesSentTotal)), 2 * 6);
  });

  it('leaves out what lies between its messages and is none of them', async () => {
    await using setup = await open();
    const client = await setup.subscriber('c', 4, '#');
    const { topics } = setup.broker.assembly;
    const [first, refused, last] = ['1', 'refused', '3'].map((text) => publishBytes('a', text));
    const bytes = Buffer.concat([first!, refused!, last!]);
    const topic = topics.intern(Buffer.from('a'), 0, 1);
    setup.run.add(setup.publisher, bytes, 0, first!.length, topic, 1, setup.broker.clock.now());
    setup.run.add(
      setup.publisher,
      bytes,
      bytes.length - last!.length,
      bytes.length,
      topic,
      1,
      setup.broker.clock.now(),
    );
    setup.run.flush();
    assert.deepEqual(
      taken(client).map(([, text]) => text),
      ['1', '3'],
    );
  });

  it('goes to one of each shared group, message by message (section 4.8.2)', async () => {
    await using setup = await open();
    const members = [await setup.subscriber('m1', 4, '$share/g/a'), await setup.subscriber('m2', 5, '$share/g/a')];
    const alone = await setup.subscriber('alone', 4, 'a');
    setup.publish(['a', '1'], ['a', '2'], ['a', '3'], ['a', '4']);
    const got = members.flatMap((member) => taken(member).map(([, text]) => text));
    assert.deepEqual([got.sort(), taken(alone).length], [['1', '2', '3', '4'], 4]);
  });

  it('does not come back to a session that asked so when it spoke MQTT 5 [MQTT-3.8.3-3]', async () => {
    await using setup = await open();
    await setup.broker.subscribe(setup.publisher, 'a', { noLocal: true });
    const other = await setup.subscriber('other', 4, 'a');
    setup.publish(['a', '1'], ['a', '2']);
    assert.deepEqual([taken(setup.publisher), taken(other).length], [[], 2]);
  });

  it('comes back to a session by those of its subscriptions that did not ask so', async () => {
    await using setup = await open();
    await setup.broker.subscribe(setup.publisher, 'a', { noLocal: true });
    await setup.broker.subscribe(setup.publisher, '#');
    setup.publish(['a', '1'], ['a', '2']);
    assert.deepEqual(
      taken(setup.publisher).map(([, text]) => text),
      ['1', '2'],
    );
  });

  it('is dropped, and each of its messages counted, for whom there is no room', async () => {
    await using setup = await open();
    const slow = await setup.subscriber('slow', 4, 'a');
    const other = await setup.subscriber('other', 4, 'a');
    slow.full = true;
    setup.publish(['a', '1'], ['a', '2']);
    assert.deepEqual([taken(slow), taken(other).length], [[], 2]);
    assert.deepEqual([setup.broker.count(DROPPED), setup.broker.count(DELIVERED)], [2, 2]);
  });

  for (const version of [4, 5] as const)
    it(`shows on each of its traces whom it reached and whom not, beside a subscriber of MQTT ${version}`, async () => {
      await using setup = await open();
      const subscribers = PUSH_SPANS + 2;
      for (let index = 0; index < subscribers; index += 1)
        (await setup.subscriber(`c${index}`, 4, 'a')).full = index === 1 || index === subscribers - 1;
      await setup.subscriber('last', version, 'a');
      setup.publish(['a', '1'], ['a', '2']);
      const { broker } = setup;
      const published = broker.spansNamed('mqtt/publish');
      assert.equal(published.length, 2);
      for (const { traceId, spanId } of published) {
        const pushes = broker.spansNamed('client/push').filter((span) => span.traceId === traceId);
        assert.ok(pushes.every(({ parent }) => parent.type === 'local' && parent.spanId === spanId));
        const said = pushes.map(attributesOf);
        const missed = said.filter((attributes) => attributes.has(ATTRIBUTES.dropReason));
        assert.deepEqual(
          missed.map((attributes) => [attributes.get(ATTRIBUTES.mqttClientId), attributes.get(ATTRIBUTES.dropReason)]),
          [['c1', 'queue_full']],
        );
        const rest = said.filter((attributes) => attributes.has(ATTRIBUTES.pushCount));
        assert.deepEqual(
          rest.map((attributes) => [attributes.get(ATTRIBUTES.pushCount), attributes.get(ATTRIBUTES.pushFailures)]),
          [[3, 1]],
        );
        assert.equal(pushes.length, PUSH_SPANS + 1);
      }
    });

  it('misses whoever is away', async () => {
    await using setup = await open();
    const away = await setup.broker.connect('away', { expirySeconds: 1000 });
    await setup.broker.subscribe(away, 'a');
    away.close({ label: 'client_closed', reasonCode: undefined });
    setup.publish(['a', '1']);
    const again = await setup.broker.connect('away', { expirySeconds: 1000 });
    await setup.broker.settle();
    assert.deepEqual(taken(again), []);
  });
});
