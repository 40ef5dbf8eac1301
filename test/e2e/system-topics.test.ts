import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { programVersion } from '../../src/config/program-version.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const NAMES = [
  'version',
  'uptime',
  ...['connected', 'disconnected', 'active', 'inactive', 'total', 'maximum', 'expired'].map(
    (name) => `clients/${name}`,
  ),
  ...['received', 'sent', 'stored', 'inflight'].map((name) => `messages/${name}`),
  ...['messages/received', 'messages/sent', 'messages/dropped', 'bytes/received', 'bytes/sent'].map(
    (name) => `publish/${name}`,
  ),
  ...['bytes/received', 'bytes/sent', 'store/messages/count', 'store/messages/bytes', 'retained messages/count'],
  ...['subscriptions/count', 'shared_subscriptions/count', 'heap/current size', 'heap/maximum size'],
  ...[
    ...['messages/received', 'messages/sent', 'publish/received', 'publish/sent', 'publish/dropped'],
    ...['bytes/received', 'bytes/sent', 'sockets', 'connections'],
  ].flatMap((name) => ['1min', '5min', '15min'].map((window) => `load/${name}/${window}`)),
].map((name) => `$SYS/broker/${name}`);

/** The retained figures, as a new subscriber gets them. */
async function figures(broker: TestBroker): Promise<Map<string, string>> {
  await using client = await RawClient.connect({ port: broker.port });
  await client.subscribe('$SYS/#');
  const said = new Map<string, string>();
  while (said.size < NAMES.length) {
    const packet = await client.take('publish');
    said.set(packet.topic, payloadOf(packet));
  }
  return said;
}

/** The figure's next value that is so. */
async function until(client: RawClient, topic: string, isRight: (text: string) => boolean): Promise<string> {
  for (;;) {
    const packet = await client.take('publish');
    if (packet.topic === topic && isRight(payloadOf(packet))) return payloadOf(packet);
  }
}

describe('system topics', () => {
  for (const protocolVersion of [4, 5] as const)
    test(`MQTT ${protocolVersion}: a new subscriber gets mosquitto’s topics, retained and at QoS 0`, async () => {
      await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1000 });
      await using client = await RawClient.connect({ port: broker.port, protocolVersion });
      await client.subscribe('$SYS/#');
      const topics = [];
      for (const _ of NAMES) {
        const packet = await client.expect('publish');
        assert.deepEqual([packet.retain, packet.qos], [true, 0]);
        topics.push(packet.topic);
      }
      await client.expectNothing();
      assert.deepEqual(topics.sort(), [...NAMES].sort());
    });

  test('say what there is, once a second where that is the interval', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1 });
    await using watcher = await RawClient.connect({ port: broker.port });
    await watcher.subscribe('$SYS/broker/#');
    const away = { port: broker.port, clientId: 'away', properties: { sessionExpiryInterval: 60 } };
    const persistent = await RawClient.connect(away);
    await persistent.subscribe(['kept', '$share/g/kept']);
    await persistent.publish('kept/1', 'x', { qos: 1, retain: true });
    await persistent.disconnect();
    const expectations: Readonly<Record<string, string>> = {
      'retained messages/count': '1',
      'shared_subscriptions/count': '1',
      'clients/disconnected': '1',
      'publish/messages/received': '1',
      'publish/bytes/received': '1',
      'store/messages/count': '2',
    };
    await until(watcher, '$SYS/broker/clients/disconnected', (text) => text === '1');
    const said = await figures(broker);
    for (const [name, value] of Object.entries(expectations))
      assert.equal(said.get(`$SYS/broker/${name}`), value, name);
    assert.equal(said.get('$SYS/broker/version'), `robustmq version ${programVersion}`);
    assert.match(said.get('$SYS/broker/uptime')!, /^\d+ seconds$/);
    assert.match(said.get('$SYS/broker/load/connections/1min')!, /^\d+\.\d\d$/);
    assert.ok(Number(said.get('$SYS/broker/heap/maximum size')) >= Number(said.get('$SYS/broker/heap/current size')));
    assert.ok(Number(said.get('$SYS/broker/bytes/received')) > 0);
    assert.ok(Number(said.get('$SYS/broker/messages/received')) >= 5);
    broker.clock.advanceSeconds(100);
    await until(watcher, '$SYS/broker/clients/expired', (text) => text === '1');
  });

  test('come to present subscribers as messages that are not retained, and only when they change', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1 });
    await using watcher = await RawClient.connect({ port: broker.port });
    await watcher.subscribe([{ filter: '$SYS/broker/uptime', retainHandling: 2 }, '$SYS/broker/version']);
    assert.equal((await watcher.expect('publish')).topic, '$SYS/broker/version');
    for (const _ of ['once', 'again']) {
      const packet = await watcher.expect('publish');
      assert.deepEqual([packet.topic, packet.retain], ['$SYS/broker/uptime', false]);
    }
  });

  test('reach one of a shared group', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1 });
    await using one = await RawClient.connect({ port: broker.port });
    await using other = await RawClient.connect({ port: broker.port });
    for (const client of [one, other]) await client.subscribe('$share/g/$SYS/broker/uptime');
    const texts = await Promise.all([one.expectPayload(), other.expectPayload()]);
    assert.notEqual(texts[0], texts[1]);
  });

  test('are matched by no filter that begins with a wildcard [MQTT-4.7.2-1]', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1 });
    await using watcher = await RawClient.connect({ port: broker.port });
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe(['#', '+/broker/#', '+/+/uptime']);
    await watcher.subscribe('$SYS/+/uptime');
    for (const _ of ['retained', 'next']) await watcher.expect('publish');
    await client.expectNothing();
  });

  test('are the broker’s alone: nobody publishes there, and no will goes there', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1000 });
    await using watcher = await RawClient.connect({ port: broker.port });
    await watcher.subscribe({ filter: '$SYS/#', retainHandling: 2 });
    await using client = await RawClient.connect({ port: broker.port });
    for (const topic of ['$SYS/broker/uptime', '$SYS/mine', '$SYS'])
      for (const qos of [1, 2] as const)
        assert.equal(await client.publish(topic, 'x', { qos, retain: true }), ReasonCode.notAuthorized);
    client.sendPublish('$SYS/broker/uptime', '', { retain: true });
    await client.expectNothing();
    const will = {
      topic: '$SYS/broker/uptime',
      payload: Buffer.from('x'),
      qos: 0,
      retain: true,
      properties: {},
    } as const;
    for (const protocolVersion of [4, 5] as const) {
      await using refused = await RawClient.open(broker.port, protocolVersion);
      refused.sendConnect({ will });
      assert.equal((await refused.expect('connack')).reasonCode, ReasonCode.notAuthorized);
    }
    await watcher.expectNothing();
    assert.match((await figures(broker)).get('$SYS/broker/uptime')!, /seconds$/);
  });

  test('are subscribed to by whom the rules allow', async () => {
    const toml = `
      [[authorization.rules]]
      permission = "deny"
      action = "subscribe"
      topics = ["$SYS/broker/clients/#"]
      [[authorization.rules]]
      permission = "allow"
      action = "all"
      topics = ["#", "$SYS/#"]`;
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1000 }, toml);
    await using client = await RawClient.connect({ port: broker.port });
    const { reasonCodes } = await client.subscribe(['$SYS/#', '$SYS/broker/clients/total', '$SYS/broker/version']);
    assert.deepEqual(reasonCodes, [ReasonCode.notAuthorized, ReasonCode.notAuthorized, 2]);
    assert.equal((await client.expect('publish')).topic, '$SYS/broker/version');
    await client.expectNothing();
  });

  test('are not kept: after a restart they are new, and nothing of them was stored, counted or traced', async () => {
    await using broker = await TestBroker.start({ 'mqtt.sys_interval_seconds': 1 });
    await using watcher = await RawClient.connect({ port: broker.port, clientId: 'watcher' });
    await watcher.subscribe('$SYS/broker/uptime');
    for (const _ of ['retained', 'next']) await watcher.expect('publish');
    const traces = (await (await fetch(`${broker.adminUrl}/api/v1/traces?topic=%24SYS/%23`)).json()) as {
      traces: { rootName: string }[];
    };
    assert.deepEqual(
      traces.traces.map(({ rootName }) => rootName),
      ['mqtt/subscribe'],
    );
    const metrics = await (await fetch(`${broker.adminUrl}/metrics`)).text();
    assert.match(metrics, /^robustmq_retained_messages 0$/m);
    assert.match(metrics, /^robustmq_messages_received_total\{qos="0"\} 0$/m);
    assert.deepEqual(await broker.placement.list('retained/'), []);
    await watcher.drop();
    await broker.restart({ 'mqtt.sys_interval_seconds': 0 });
    await using again = await RawClient.connect({ port: broker.port });
    await again.subscribe('$SYS/#');
    await again.expectNothing();
  });
});
