import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Qos } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const LISTENERS = `
[[listeners]]
name = "open"
port = 0

[[listeners]]
name = "site"
port = 0
mount_point = "hall/größe/"

[[listeners]]
name = "other"
port = 0
mount_point = "other/"
`;
const MOUNT = 'hall/größe/';
const QOS: readonly Qos[] = [0, 1, 2];

let broker: TestBroker;
before(async () => {
  // Runs of messages are only made of those that are not traced.
  const telemetry = { 'telemetry.propagation': 'preserve', 'telemetry.sampling.rate': 0 };
  broker = await TestBroker.start(telemetry, LISTENERS);
});
after(() => broker[Symbol.asyncDispose]());

type Options = Partial<Parameters<typeof RawClient.connect>[0]>;
const at = (name: string, options: Options = {}) =>
  RawClient.connect({ ...options, port: broker.portOfListener(name) });

async function receive(client: RawClient): Promise<string> {
  const packet = await client.receive();
  return `${packet.topic}: ${payloadOf(packet)}`;
}

/** Takes messages up to the one with the payload `end`. */
async function receiveAll(client: RawClient): Promise<string[]> {
  const got: string[] = [];
  for (let text = await receive(client); !text.endsWith('end'); text = await receive(client)) got.push(text);
  return got;
}

describe('a listener with a mount point', () => {
  for (const protocolVersion of [4, 5] as const)
    for (const qos of QOS)
      test(`MQTT ${protocolVersion}, QoS ${qos}: its clients are by themselves below it`, async () => {
        const topic = `alone/${protocolVersion}/${qos}`;
        await using inside = await at('site', { protocolVersion });
        await using beside = await at('other', { protocolVersion });
        await using outside = await at('open', { protocolVersion });
        await using insider = await at('site', { protocolVersion });
        await using outsider = await at('open', { protocolVersion });
        for (const client of [inside, beside]) await client.subscribe(`${topic}/#`);
        await outside.subscribe(['#', `${topic}/#`]);
        // Two at once, which for MQTT 3.1.1 at QoS 0 may go on as one run.
        for (const text of ['1', '2']) insider.sendPublish(`${topic}/x`, text, { qos });
        for (const text of ['1', '2']) assert.equal(await receive(inside), `${topic}/x: ${text}`);
        for (const text of ['1', '2']) assert.equal(await receive(outside), `${MOUNT}${topic}/x: ${text}`);
        for (const text of ['3', '4']) outsider.sendPublish(`${MOUNT}${topic}/x`, text, { qos });
        for (const text of ['3', '4']) assert.equal(await receive(inside), `${topic}/x: ${text}`);
        await outsider.publish(`other/${topic}/x`, 'end', { qos });
        assert.equal(await receive(beside), `${topic}/x: end`);
      });

  test('is not to be left: what only begins or ends like it is not below it', async () => {
    await using inside = await at('site');
    await inside.subscribe(['#', '+']);
    await using outside = await at('open');
    // `hall/größe/#` matches all but the last two of them; without the mount point they are no topics that `#` matches.
    for (const topic of ['hall/größe', MOUNT, `${MOUNT}$x`, `${MOUNT}$x/y`, 'hall', 'hall/größen/x'])
      for (const qos of QOS) await outside.publish(topic, topic, { qos, retain: qos === 1 });
    await outside.publish(`${MOUNT}x`, 'end', { qos: 1 });
    assert.deepEqual(await receiveAll(inside), []);
    await using late = await at('site');
    await late.subscribe(['#']);
    await outside.publish(`${MOUNT}x`, 'end', { qos: 1 });
    assert.deepEqual(await receiveAll(late), []);
    await late.subscribe('$x/+');
    assert.equal(await receive(late), `$x/y: ${MOUNT}$x/y`);
  });

  test('has retained messages of its own, and UNSUBSCRIBE means its filters', async () => {
    await using inside = await at('site');
    await using outside = await at('open');
    await inside.publish('kept/a', 'a', { qos: 1, retain: true });
    await inside.subscribe('kept/#');
    const packet = await inside.receive();
    assert.deepEqual([packet.topic, packet.retain], ['kept/a', true]);
    await outside.subscribe(`${MOUNT}kept/#`);
    assert.equal(await receive(outside), `${MOUNT}kept/a: a`);
    const { reasonCodes } = await inside.unsubscribe('kept/#', `${MOUNT}kept/#`);
    assert.deepEqual(reasonCodes, [ReasonCode.success, ReasonCode.noSubscriptionExisted]);
    await outside.publish(`${MOUNT}kept/a`, 'more');
    await inside.expectNothing();
  });

  test('holds for wills', async () => {
    await using inside = await at('site');
    await inside.subscribe('last/words');
    const will = { topic: 'last/words', payload: Buffer.from('w'), qos: 1, retain: false, properties: {} } as const;
    const dying = await at('site', { will });
    await dying.drop();
    assert.equal(await receive(inside), 'last/words: w');
  });

  test('holds for shared subscriptions, whose groups are its own', async () => {
    await using inside = await at('site');
    await using beside = await at('other');
    for (const client of [inside, beside]) await client.subscribe('$share/g/team/#');
    for (const text of ['1', '2']) await inside.publish('team/x', text, { qos: 1 });
    for (const text of ['1', '2']) assert.equal(await receive(inside), `team/x: ${text}`);
    await beside.expectNothing();
  });

  test('holds for topic aliases both ways', async () => {
    await using inside = await at('site', { properties: { topicAliasMaximum: 5 } });
    await inside.subscribe('alias/#');
    inside.sendPublish('alias/a', '1', { properties: { topicAlias: 1 } });
    inside.sendPublish('', '2', { properties: { topicAlias: 1 } });
    const [first, second] = [await inside.receive(), await inside.receive()];
    assert.deepEqual([first.topic, first.properties.topicAlias, payloadOf(first)], ['alias/a', 1, '1']);
    assert.deepEqual([second.topic, second.properties.topicAlias, payloadOf(second)], ['', 1, '2']);
  });

  test('leaves the Response Topic as it is: whoever answers through the same listener mounts it', async () => {
    await using inside = await at('site');
    await inside.subscribe('ask');
    await inside.publish('ask', 'x', { properties: { responseTopic: 'answer' } });
    assert.equal((await inside.receive()).properties.responseTopic, 'answer');
  });

  test('counts for the length of a topic', async () => {
    await using inside = await at('site');
    const longest = 65_535 - Buffer.byteLength(MOUNT);
    assert.equal(await inside.publish('x'.repeat(longest), 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    assert.deepEqual((await inside.subscribe('x'.repeat(longest + 1))).reasonCodes, [ReasonCode.topicFilterInvalid]);
    inside.sendPublish('x'.repeat(longest + 1), 'x', { qos: 1 });
    await inside.expectDisconnect(ReasonCode.topicNameInvalid);
    await using dying = await RawClient.open(broker.portOfListener('site'));
    const topic = 'x'.repeat(longest + 1);
    dying.sendConnect({ will: { topic, payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } });
    assert.equal((await dying.expect('connack')).reasonCode, ReasonCode.topicNameInvalid);
  });

  test('does not hold for $SYS, where nobody may publish', async () => {
    await using inside = await at('site');
    await inside.subscribe('$SYS/broker/version');
    assert.equal((await inside.receive()).topic, '$SYS/broker/version');
    assert.equal(await inside.publish('$SYS/broker/version', 'x', { qos: 1 }), ReasonCode.notAuthorized);
  });
});

describe('a session of a listener with a mount point', () => {
  const properties = { sessionExpiryInterval: 60 };

  test('goes on, with what it missed, also after a restart of the broker', async () => {
    await using restarted = await TestBroker.start({}, LISTENERS);
    const identity = () => ({ port: restarted.portOfListener('site'), clientId: 'mounted', properties });
    const first = await RawClient.connect(identity());
    await first.subscribe('missed/#');
    await first.disconnect();
    await using outside = await RawClient.connect({ port: restarted.portOfListener('open') });
    for (const topic of ['hall/größe', `${MOUNT}missed/a`, `${MOUNT}$x`]) await outside.publish(topic, 'x', { qos: 2 });
    await restarted.restart();
    for (const duplicate of [false, true]) {
      const again = await RawClient.connect({ ...identity(), cleanStart: false });
      assert.equal(again.connack.sessionPresent, true);
      const packet = await again.expect('publish');
      assert.deepEqual([packet.topic, packet.duplicate], ['missed/a', duplicate]);
      await again.drop();
    }
  });

  test('is not that of another mount point: it ends when its client comes there', async () => {
    const first = await at('site', { clientId: 'moving', properties });
    await first.subscribe('moving');
    await first.disconnect();
    await using second = await at('other', { clientId: 'moving', properties, cleanStart: false });
    assert.equal(second.connack.sessionPresent, false);
    await using inside = await at('site');
    assert.equal(await inside.publish('moving', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    await second.expectNothing();
  });
});

test('access rules see topics with their mount points', async () => {
  const rules = `
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["${MOUNT}mine/#"]
`;
  await using guarded = await TestBroker.start({}, LISTENERS + rules);
  await using inside = await RawClient.connect({ port: guarded.portOfListener('site') });
  assert.deepEqual((await inside.subscribe(['mine/#', `${MOUNT}mine/#`])).reasonCodes, [2, ReasonCode.notAuthorized]);
  assert.equal(await inside.publish('mine/a', 'x', { qos: 1 }), ReasonCode.success);
  assert.equal(await inside.publish('others/a', 'x', { qos: 1 }), ReasonCode.notAuthorized);
});
