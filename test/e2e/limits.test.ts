import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Qos } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { type ConnectOptions, payloadOf, publishPacket, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import type { Settings } from '../support/test-settings.ts';

const will = { topic: 'w', payload: Buffer.from('w'), qos: 0 as Qos, retain: false, properties: {} };

/** `robustmq_limits_hit_total` by limit, without zeros. */
async function limitsHit(broker: TestBroker): Promise<Record<string, number>> {
  const text = await (await fetch(`${broker.adminUrl}/metrics`)).text();
  const samples = [...text.matchAll(/^robustmq_limits_hit_total\{limit="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(
    samples.map(([, limit, count]) => [limit!, Number(count)]).filter(([, count]) => count !== 0),
  );
}

/** Connects and returns the reason of the CONNACK, which is the last that is heard where it is a refusal. */
async function connackOf(port: number, options: Omit<ConnectOptions, 'port'> = {}): Promise<ReasonCode> {
  await using client = await RawClient.open(port, options.protocolVersion);
  client.sendConnect(options);
  const { reasonCode } = await client.expect('connack');
  if (reasonCode !== ReasonCode.success) await client.expectClose();
  return reasonCode;
}

/** What ends the connection of a client that does this. */
async function disconnectedBy(broker: TestBroker, act: (client: RawClient) => void): Promise<ReasonCode> {
  await using client = await RawClient.connect({ port: broker.port });
  act(client);
  const { reasonCode } = await client.take('disconnect');
  await client.ended();
  return reasonCode;
}

async function subackOf(broker: TestBroker, filter: string, identifier?: number): Promise<number> {
  await using client = await RawClient.connect({ port: broker.port });
  const properties = identifier === undefined ? {} : { subscriptionIdentifier: identifier };
  const { reasonCodes } = await client.subscribe(['first', filter], properties);
  await client.expectNothing();
  return reasonCodes[1]!;
}

interface Limit {
  /** The label of the metric. */
  readonly limit: string;
  readonly settings: Settings;
  readonly provoke: (broker: TestBroker) => Promise<number>;
  readonly reasonCode: number;
}

const LIMITS: readonly Limit[] = [
  {
    limit: 'connections',
    settings: { 'mqtt.max_connections': 1 },
    provoke: besideAnother,
    reasonCode: ReasonCode.quotaExceeded,
  },
  {
    limit: 'connections',
    settings: { 'listeners.0.max_connections': 1 },
    provoke: besideAnother,
    reasonCode: ReasonCode.quotaExceeded,
  },
  {
    limit: 'connections_per_address',
    settings: { 'mqtt.max_connections_per_address': 1 },
    provoke: besideAnother,
    reasonCode: ReasonCode.quotaExceeded,
  },
  {
    limit: 'connections_per_address',
    settings: { 'listeners.0.max_connections_per_address': 1 },
    provoke: besideAnother,
    reasonCode: ReasonCode.quotaExceeded,
  },
  {
    limit: 'connect_rate',
    settings: { 'mqtt.max_connect_rate': 1 },
    provoke: tooFast,
    reasonCode: ReasonCode.connectionRateExceeded,
  },
  {
    limit: 'connect_rate',
    settings: { 'listeners.0.max_connect_rate': 1 },
    provoke: tooFast,
    reasonCode: ReasonCode.connectionRateExceeded,
  },
  {
    limit: 'packet_size',
    settings: { 'mqtt.max_packet_size_bytes': 100 },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('a', 'x'.repeat(100))),
    reasonCode: ReasonCode.packetTooLarge,
  },
  {
    limit: 'packet_size',
    settings: { 'listeners.0.max_packet_size_bytes': 100 },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('a', 'x'.repeat(100))),
    reasonCode: ReasonCode.packetTooLarge,
  },
  {
    limit: 'receive_maximum',
    settings: { 'mqtt.receive_maximum': 1 },
    provoke: (broker) =>
      disconnectedBy(broker, (client) => {
        let packetId = 0;
        client.send(...['1', '2'].map((text) => publishPacket('a', text, { qos: 2 }, () => ++packetId)));
      }),
    reasonCode: ReasonCode.receiveMaximumExceeded,
  },
  {
    limit: 'topic_alias',
    settings: { 'mqtt.topic_alias_maximum': 2 },
    provoke: (broker) =>
      disconnectedBy(broker, (client) => client.sendPublish('a', 'x', { properties: { topicAlias: 3 } })),
    reasonCode: ReasonCode.topicAliasInvalid,
  },
  {
    limit: 'topic_levels',
    settings: { 'mqtt.max_topic_levels': 3 },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('a/b/c/d', 'x')),
    reasonCode: ReasonCode.topicNameInvalid,
  },
  {
    limit: 'topic_levels',
    settings: { 'mqtt.max_topic_levels': 3 },
    provoke: (broker) => subackOf(broker, 'a/b/+/#'),
    reasonCode: ReasonCode.topicFilterInvalid,
  },
  {
    limit: 'topic_levels',
    settings: { 'mqtt.max_topic_levels': 3 },
    provoke: ({ port }) => connackOf(port, { will: { ...will, topic: 'a/b/c/d' } }),
    reasonCode: ReasonCode.topicNameInvalid,
  },
  {
    limit: 'topic_length',
    settings: { 'mqtt.max_topic_bytes': 5 },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('äää', 'x')),
    reasonCode: ReasonCode.topicNameInvalid,
  },
  {
    limit: 'topic_length',
    settings: { 'mqtt.max_topic_bytes': 5 },
    provoke: (broker) => subackOf(broker, 'aaaaaa'),
    reasonCode: ReasonCode.topicFilterInvalid,
  },
  {
    limit: 'subscriptions',
    settings: { 'mqtt.max_subscriptions_per_client': 1 },
    provoke: (broker) => subackOf(broker, 'second'),
    reasonCode: ReasonCode.quotaExceeded,
  },
  {
    limit: 'qos',
    settings: { 'mqtt.max_qos': 1 },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('a', 'x', { qos: 2 })),
    reasonCode: ReasonCode.qosNotSupported,
  },
  {
    limit: 'qos',
    settings: { 'listeners.0.max_qos': 0 },
    provoke: ({ port }) => connackOf(port, { will: { ...will, qos: 1 } }),
    reasonCode: ReasonCode.qosNotSupported,
  },
  {
    limit: 'retain',
    settings: { 'mqtt.retain_available': false },
    provoke: (broker) => disconnectedBy(broker, (client) => client.sendPublish('a', 'x', { retain: true })),
    reasonCode: ReasonCode.retainNotSupported,
  },
  {
    limit: 'wildcard_subscriptions',
    settings: { 'mqtt.wildcard_subscription_available': false },
    provoke: (broker) => subackOf(broker, 'a/+'),
    reasonCode: ReasonCode.wildcardSubscriptionsNotSupported,
  },
  {
    limit: 'shared_subscriptions',
    settings: { 'mqtt.shared_subscription_available': false },
    provoke: (broker) => subackOf(broker, '$share/g/a'),
    reasonCode: ReasonCode.sharedSubscriptionsNotSupported,
  },
  {
    limit: 'subscription_identifiers',
    settings: { 'mqtt.subscription_identifier_available': false },
    provoke: (broker) => subackOf(broker, 'a', 7),
    reasonCode: ReasonCode.subscriptionIdentifiersNotSupported,
  },
  {
    limit: 'keep_alive',
    settings: { 'mqtt.keep_alive_maximum_seconds': 30 },
    provoke: ({ port }) => connackOf(port, { keepAliveSeconds: 60 }),
    reasonCode: ReasonCode.success,
  },
  {
    limit: 'session_expiry',
    settings: { 'mqtt.session_expiry_maximum_seconds': 30 },
    provoke: ({ port }) => connackOf(port, { properties: { sessionExpiryInterval: 60 } }),
    reasonCode: ReasonCode.success,
  },
  {
    limit: 'retained_messages',
    settings: { 'mqtt.max_retained_messages': 0 },
    provoke: publishRetained,
    reasonCode: ReasonCode.success,
  },
  {
    limit: 'retained_size',
    settings: { 'mqtt.max_retained_message_bytes': 4 },
    provoke: publishRetained,
    reasonCode: ReasonCode.success,
  },
];

async function besideAnother({ port }: TestBroker): Promise<ReasonCode> {
  await using first = await RawClient.connect({ port });
  const reasonCode = await connackOf(port);
  await first.expectNothing();
  return reasonCode;
}

async function tooFast({ port }: TestBroker): Promise<ReasonCode> {
  await using first = await RawClient.connect({ port });
  let reasonCode: ReasonCode = ReasonCode.success;
  // On a machine that stalls, more than one has its turn.
  while (reasonCode === ReasonCode.success) reasonCode = await connackOf(port);
  await first.expectNothing();
  return reasonCode;
}

/** The message is delivered, whatever becomes of it afterwards. */
async function publishRetained({ port }: TestBroker): Promise<ReasonCode> {
  await using client = await RawClient.connect({ port });
  await client.subscribe('retained');
  const packetId = client.sendPublish('retained', 'large', { qos: 1, retain: true });
  const reasonCode = (await client.take('puback')).reasonCode;
  assert.ok(packetId > 0);
  assert.equal(payloadOf(await client.receive()), 'large');
  return reasonCode;
}

describe('a limit', () => {
  for (const { limit, settings, provoke, reasonCode } of LIMITS) {
    const [[key, value]] = Object.entries(settings) as [[string, unknown]];
    test(`${key} = ${value} is answered with 0x${reasonCode.toString(16).padStart(2, '0')} and counted`, async () => {
      await using broker = await TestBroker.start(settings);
      assert.deepEqual(await limitsHit(broker), {});
      assert.equal(await provoke(broker), reasonCode);
      const { [limit]: hits = 0, ...others } = await limitsHit(broker);
      assert.ok(hits >= 1);
      assert.deepEqual(others, {});
    });
  }

  test('mqtt.connect_timeout_ms ends a connection that says nothing, without a word, and is counted', async () => {
    await using broker = await TestBroker.start({
      'mqtt.connect_timeout_ms': 100,
      'authentication.failure_delay_ms': 50,
    });
    await using client = await RawClient.open(broker.port);
    await client.expectClose();
    assert.deepEqual(await limitsHit(broker), { connect_timeout: 1 });
  });

  test('mqtt.session_expiry_maximum_seconds holds at DISCONNECT too', async () => {
    await using broker = await TestBroker.start({ 'mqtt.session_expiry_maximum_seconds': 30 });
    const client = await RawClient.connect({ port: broker.port, properties: { sessionExpiryInterval: 10 } });
    await client.disconnect(0, { sessionExpiryInterval: 100 });
    assert.deepEqual(await limitsHit(broker), { session_expiry: 1 });
  });
});

describe('a connection beyond a limit', () => {
  test('that speaks MQTT 3.1.1 is told that the server is unavailable', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connections': 1 });
    await using first = await RawClient.connect({ port: broker.port });
    assert.equal(await connackOf(broker.port, { protocolVersion: 4 }), ReasonCode.serverUnavailable);
    await first.expectNothing();
  });

  test('does nothing to the client of the same name that is connected', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connections_per_address': 1 });
    await using first = await RawClient.connect({ port: broker.port, clientId: 'same' });
    assert.equal(await connackOf(broker.port, { clientId: 'same' }), ReasonCode.quotaExceeded);
    await first.expectNothing();
  });

  test('may come again when another has gone', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connections_per_address': 1 });
    const first = await RawClient.connect({ port: broker.port });
    assert.equal(await connackOf(broker.port), ReasonCode.quotaExceeded);
    await first.disconnect();
    assert.equal(await connackOf(broker.port), ReasonCode.success);
  });

  test('may come again when a second has passed', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connect_rate': 1 });
    await tooFast(broker);
    broker.clock.advanceSeconds(1);
    assert.equal(await connackOf(broker.port), ReasonCode.success);
  });

  test('and silent is closed', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_connections': 1 });
    await using first = await RawClient.connect({ port: broker.port });
    await using silent = await RawClient.open(broker.port);
    await first.expectNothing();
    broker.clock.advanceSeconds(3);
    await silent.expectClose();
  });
});

describe('limits of one listener', () => {
  const TOML = `
    [[listeners]]
    name = "narrow"
    port = 0
    max_connections_per_address = 1
    max_packet_size_bytes = 1000
    max_qos = 0
    [[listeners]]
    name = "wide"
    port = 0`;

  async function start(): Promise<{ broker: TestBroker; narrow: number; wide: number }> {
    const broker = await TestBroker.start({}, TOML);
    return { broker, narrow: broker.portOfListener('narrow'), wide: broker.portOfListener('wide') };
  }

  test('are told to its clients, and those of the broker to others', async () => {
    const { broker, narrow, wide } = await start();
    await using _ = broker;
    await using one = await RawClient.connect({ port: narrow });
    await using other = await RawClient.connect({ port: wide });
    assert.deepEqual(
      [one, other].map(({ connack }) => [connack.properties.maximumQos, connack.properties.maximumPacketSize]),
      [
        [0, 1000],
        [undefined, 1024 * 1024],
      ],
    );
  });

  test('concern nobody else', async () => {
    const { broker, narrow, wide } = await start();
    await using _ = broker;
    await using one = await RawClient.connect({ port: narrow });
    await using first = await RawClient.connect({ port: wide });
    await using second = await RawClient.connect({ port: wide });
    assert.deepEqual((await one.subscribe('a')).reasonCodes, [0]);
    assert.deepEqual((await first.subscribe('a')).reasonCodes, [2]);
    await second.publish('a', 'x'.repeat(2000), { qos: 2 });
    // What the listener grants limits what its clients send and are granted, not what they are sent.
    assert.equal((await one.receive()).payload.length, 2000);
    assert.equal((await first.receive()).qos, 2);
    assert.equal(await connackOf(narrow), ReasonCode.quotaExceeded);
  });
});

describe('a retained message beyond a limit', () => {
  test('takes the place of none, and leaves none: an old value must not pass for the present one', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_retained_message_bytes': 4 });
    await using client = await RawClient.connect({ port: broker.port });
    await client.publish('state', 'old', { qos: 1, retain: true });
    await client.publish('state', 'longer', { qos: 1, retain: true });
    await client.subscribe('state');
    await client.expectNothing();
    await broker.restart();
    await using again = await RawClient.connect({ port: broker.port });
    await again.subscribe('state');
    await again.expectNothing();
  });
});

test('a flood of connections beyond the limit leaves no trace once it has passed', async () => {
  await using broker = await TestBroker.start({ 'mqtt.max_connections': 2 });
  await using first = await RawClient.connect({ port: broker.port });
  const flood = await Promise.allSettled(Array.from({ length: 400 }, () => RawClient.open(broker.port)));
  await first.expectNothing();
  for (const attempt of flood) if (attempt.status === 'fulfilled') await attempt.value.drop();
  const text = async () => (await fetch(`${broker.adminUrl}/metrics`)).text();
  while (!(await text()).includes('\nrobustmq_connections 1\n')) await setTimeout(10);
  assert.equal(await connackOf(broker.port), ReasonCode.success);
});
