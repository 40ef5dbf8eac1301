import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { ATTRIBUTES } from '../../telemetry/catalogue.ts';
import { CONTEXT_BYTES, FLAGS_AT, SPAN_ID_AT, spanIdOf, traceIdOf } from '../../telemetry/trace-context.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { textOf } from '../testing/packet-stream.ts';
import { WillPublisher } from './will-publisher.ts';

const PERSISTENT = { expirySeconds: 1000 };

function connectWith(will: Partial<NonNullable<ConnectPacket['will']>> | undefined): ConnectPacket {
  return {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: 'author',
    ...(will && {
      will: { topic: 'will/a', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {}, ...will },
    }),
    properties: {},
  };
}

/** The context of a span that was recorded in another place. */
function contextWith(byte: number, flags: number): Uint8Array {
  const context = new Uint8Array(CONTEXT_BYTES);
  context.fill(byte, 0, SPAN_ID_AT);
  context.fill(byte + 1, SPAN_ID_AT, FLAGS_AT);
  context[FLAGS_AT] = flags;
  return context;
}

/** A broker, a session whose will is to be published, and somebody who listens. */
async function open() {
  const broker = await BrokerUnderTest.start();
  const { flow, topics } = broker.assembly;
  const wills = new WillPublisher(() => flow, topics, broker.telemetry.recording, broker.clock);
  const author = await broker.connect('author', PERSISTENT);
  const session = author.session!;
  const listener = await broker.connect('listener', PERSISTENT);
  await broker.subscribe(listener, 'will/#', { qos: 2, retainAsPublished: true });
  return {
    broker,
    wills,
    author,
    session,
    listener,
    async publish(will: Parameters<typeof connectWith>[0], context?: Uint8Array) {
      session.will = wills.willOf(connectWith(will), context);
      await wills.publish(session);
      await broker.settle();
      return listener.takeMessages();
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

describe('a will', () => {
  for (const qos of [0, 1, 2] as const)
    it(`is published as it was given, at QoS ${qos} [MQTT-3.1.2-8]`, async () => {
      await using setup = await open();
      const [message, ...others] = await setup.publish({ payload: Buffer.from('bye'), qos });
      assert.deepEqual(
        [message?.topic, textOf(message!), message?.qos, message?.retain, others],
        ['will/a', 'bye', qos, false, []],
      );
    });

  it('keeps its properties, but for the delay, which is not for subscribers', async () => {
    await using setup = await open();
    const [message] = await setup.publish({
      properties: {
        willDelayInterval: 5,
        messageExpiryInterval: 60,
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: Buffer.from([1, 2]),
        payloadFormatIndicator: 1,
        userProperties: [
          ['traceparent', 'as it was'],
          ['b', '2'],
        ],
      },
    });
    assert.deepEqual(
      { ...message!.properties, correlationData: [...message!.properties.correlationData!] },
      {
        messageExpiryInterval: 60,
        contentType: 'text/plain',
        responseTopic: 'answers',
        correlationData: [1, 2],
        payloadFormatIndicator: 1,
        userProperties: [
          ['traceparent', 'as it was'],
          ['b', '2'],
        ],
      },
    );
  });

  it('begins to expire when it is published, not when it is given (section 3.1.3.2.4)', async () => {
    await using setup = await open();
    setup.session.will = setup.wills.willOf(connectWith({ qos: 1, properties: { messageExpiryInterval: 60 } }));
    setup.broker.clock.advanceSeconds(100);
    await setup.wills.publish(setup.session);
    await setup.broker.settle();
    assert.equal(setup.listener.takeMessages()[0]?.properties.messageExpiryInterval, 60);
  });

  for (const qos of [0, 1] as const)
    it(`of QoS ${qos} is retained where it asks so [MQTT-3.1.2-17], and not otherwise [MQTT-3.1.2-16]`, async () => {
      await using setup = await open();
      const { retained } = setup.broker.assembly;
      await setup.publish({ qos, retain: false });
      assert.deepEqual([...retained.matching('#')], []);
      const [message] = await setup.publish({ qos, retain: true });
      assert.equal(message?.retain, true);
      assert.deepEqual([...retained.matching('#')], ['will/a']);
    });

  it('is nothing where CONNECT has none', async () => {
    await using setup = await open();
    assert.equal(setup.wills.willOf(connectWith(undefined)), undefined);
    assert.deepEqual(await setup.publish(undefined), []);
    assert.deepEqual(setup.broker.spansNamed('will/publish'), []);
  });

  it('does not come back to a session that wants nothing of its own [MQTT-3.8.3-3]', async () => {
    await using setup = await open();
    const { broker, author } = setup;
    await broker.subscribe(author, 'will/#', { qos: 1, noLocal: true });
    author.close(CLOSE_REASONS.socketError);
    const published = await setup.publish({ qos: 1 });
    const heir = await broker.connect('author', PERSISTENT);
    await broker.settle();
    assert.deepEqual([published.length, heir.takeMessages()], [1, []]);
  });
});

it('a will of QoS 2 is none of the messages that a client still has to release after a crash', async () => {
  await using setup = await open();
  await setup.publish({ qos: 2 });
  await setup.broker.crash();
  const heir = await setup.broker.connect('author', PERSISTENT);
  assert.deepEqual(heir.session!.inbound.entries(), []);
});

describe('the trace of a will', () => {
  for (const qos of [0, 1, 2] as const)
    it(`is one of its own, linked to the CONNECT that gave it, and leads to its subscribers (QoS ${qos})`, async () => {
      await using setup = await open();
      const context = contextWith(7, 1);
      await setup.publish({ qos }, context);
      const [span, ...others] = setup.broker.spansNamed('will/publish');
      assert.ok(span !== undefined && others.length === 0);
      assert.notEqual(span.traceId, traceIdOf(context));
      assert.deepEqual(
        span.links.map(({ traceId, spanId }) => [traceId, spanId]),
        [[traceIdOf(context), spanIdOf(context)]],
      );
      const said = attributesOf(span);
      assert.deepEqual(
        [ATTRIBUTES.mqttClientId, ATTRIBUTES.mqttTopic, ATTRIBUTES.mqttQos].map((key) => said.get(key)),
        ['author', 'will/a', qos],
      );
      setup.listener.close(CLOSE_REASONS.clientClosed);
      const [push] = setup.broker.spansNamed('client/push');
      assert.equal(push?.traceId, span.traceId);
    });

  it('goes on where a subscriber comes for it later', async () => {
    await using setup = await open();
    setup.listener.close(CLOSE_REASONS.clientClosed);
    await setup.publish({ qos: 1 });
    const listener = await setup.broker.connect('listener', PERSISTENT);
    await setup.broker.settle();
    listener.close(CLOSE_REASONS.clientClosed);
    const [span] = setup.broker.spansNamed('will/publish');
    const [push] = setup.broker.spansNamed('client/push');
    assert.deepEqual([push?.traceId, push?.parent], [span!.traceId, { type: 'remote', spanId: span!.spanId }]);
  });

  it('is linked to the CONNECT whether the head chose that or not', async () => {
    await using setup = await open();
    const context = contextWith(7, 0);
    await setup.publish({}, context);
    const [span] = setup.broker.spansNamed('will/publish');
    assert.deepEqual(span?.links, [{ traceId: traceIdOf(context), spanId: spanIdOf(context), sampled: false }]);
  });

  it('begins anew where that of the CONNECT is not known', async () => {
    await using setup = await open();
    await setup.publish({});
    const [span] = setup.broker.spansNamed('will/publish');
    assert.deepEqual([span?.parent.type, span?.links], ['none', []]);
  });
});
