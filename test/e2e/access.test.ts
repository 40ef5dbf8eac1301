import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { type ConnectOptions, payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';

const secret = Buffer.from('secret');

async function connectReason(
  port: number,
  options: Omit<ConnectOptions, 'port'> & { readonly protocolVersion: ProtocolVersion },
): Promise<ReasonCode> {
  await using client = await RawClient.open(port, options.protocolVersion);
  client.sendConnect(options);
  const { reasonCode } = await client.expect('connack');
  if (reasonCode === ReasonCode.success) await client.disconnect();
  else await client.expectClose();
  return reasonCode;
}

describe('a password file', () => {
  let directory: TestDirectory;
  let file: string;
  let broker: TestBroker;
  before(async () => {
    directory = await TestDirectory.create();
    file = directory.write('passwords', cheapLine('alice', 'secret'));
    broker = await TestBroker.start({ 'authentication.password_file': file });
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  // 3.1.1 says 4 for bad credentials and 5 for not authorised: the codec gives them as these reason codes.
  for (const [what, credentials, reason] of [
    ['the right password', { userName: 'alice', password: secret }, ReasonCode.success],
    ['a wrong password', { userName: 'alice', password: Buffer.from('guess') }, ReasonCode.badUserNameOrPassword],
    ['an unknown user', { userName: 'mallory', password: secret }, ReasonCode.badUserNameOrPassword],
    ['a user name alone', { userName: 'alice' }, ReasonCode.badUserNameOrPassword],
    ['no credentials', {}, ReasonCode.notAuthorized],
  ] as const)
    for (const protocolVersion of [4, 5] as const)
      test(`MQTT ${protocolVersion}: ${what} is answered with 0x${reason.toString(16)}`, async () => {
        assert.equal(await connectReason(broker.port, { protocolVersion, ...credentials }), reason);
      });

  test('on the wire MQTT 3.1.1 gets return code 4', async () => {
    await assert.rejects(
      MqttJsClient.connect(broker.port, { protocolVersion: 4, username: 'alice', password: 'guess' }),
      { code: 4 },
    );
    await using client = await MqttJsClient.connect(broker.port, { username: 'alice', password: 'secret' });
    assert.equal(client.client.connected, true);
  });

  test('is read again on request', async () => {
    writeFileSync(file, cheapLine('alice', 'changed') + cheapLine('bob', 'secret'));
    await broker.reload();
    const reasons = [];
    for (const [userName, password] of [
      ['alice', secret],
      ['alice', Buffer.from('changed')],
      ['bob', secret],
    ] as const)
      reasons.push(await connectReason(broker.port, { protocolVersion: 5, userName, password }));
    assert.deepEqual(reasons, [ReasonCode.badUserNameOrPassword, ReasonCode.success, ReasonCode.success]);
  });

  test('strangers are welcome beside users where the listener says so, liars are not', async () => {
    await using open = await TestBroker.start({
      'authentication.password_file': directory.write('others', cheapLine('alice', 'secret')),
      'listeners.0.allow_anonymous': true,
    });
    assert.equal(await connectReason(open.port, { protocolVersion: 5 }), ReasonCode.success);
    const lie = { protocolVersion: 5, userName: 'alice', password: Buffer.from('guess') } as const;
    assert.equal(await connectReason(open.port, lie), ReasonCode.badUserNameOrPassword);
  });
});

const RULES = `
[[authorization.rules]]
permission = "deny"
action = "all"
topics = ["secret/#"]

[[authorization.rules]]
permission = "allow"
action = "publish"
topics = ["from/%c/#", "user/%u", "both"]

[[authorization.rules]]
permission = "allow"
action = "subscribe"
topics = ["to/%c/#", "both", "from/+/open"]

[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["secret/plans", "admin/#"]
user = "alice"
`;

describe('rules', () => {
  let directory: TestDirectory;
  let broker: TestBroker;
  before(async () => {
    directory = await TestDirectory.create();
    const file = directory.write('passwords', cheapLine('alice', 'secret'));
    broker = await TestBroker.start(
      { 'authentication.password_file': file, 'listeners.0.allow_anonymous': true },
      RULES,
    );
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  for (const [topic, clientId, allowed] of [
    ['from/sensor/x', 'sensor', true],
    ['from/other/x', 'sensor', false],
    ['to/sensor/x', 'sensor', false],
    ['both', 'anyone', true],
    ['unmentioned', 'anyone', false],
    ['secret/plans', 'anyone', false],
    // Without a verified user name %u stands for nothing.
    ['user/', 'anyone', false],
    ['user/alice', 'anyone', false],
    // A client identifier with a wildcard in it matches nothing but itself, which is no topic.
    ['from/x/y', '+', false],
    ['from/x/y', '#', false],
  ] as const)
    test(`publishing to ${topic} as ${clientId} is ${allowed ? 'allowed' : 'refused'}`, async () => {
      await using client = await RawClient.connect({ port: broker.port, clientId });
      const expected = allowed ? ReasonCode.noMatchingSubscribers : ReasonCode.notAuthorized;
      assert.equal(await client.publish(topic, 'x', { qos: 1 }), expected);
      assert.equal(await client.publish(topic, 'x', { qos: 2 }), expected);
      await client.publish(topic, 'x', { qos: 0 });
      await client.expectNothing();
    });

  for (const [filter, allowed] of [
    ['to/sensor/#', true],
    ['to/+/x', false],
    ['#', false],
    ['both', true],
    ['$share/g/both', true],
    ['$share/g/other', false],
    ['from/+/open', true],
    ['from/sensor/open', true],
    ['from/#', false],
  ] as const)
    test(`subscribing to ${filter} is ${allowed ? 'granted' : 'refused: 0x87, in MQTT 3.1.1 0x80'}`, async () => {
      await using recent = await RawClient.connect({ port: broker.port, clientId: 'sensor' });
      assert.deepEqual((await recent.subscribe(filter)).reasonCodes, [allowed ? 2 : ReasonCode.notAuthorized]);
      await recent.disconnect();
      await using old = await RawClient.connect({ port: broker.port, clientId: 'sensor', protocolVersion: 4 });
      assert.deepEqual((await old.subscribe(filter)).reasonCodes, [allowed ? 2 : ReasonCode.unspecifiedError]);
    });

  test('a refused message reaches nobody; MQTT 3.1.1 gets its PUBACK nevertheless [MQTT-3.3.5-2]', async () => {
    await using watcher = await RawClient.connect({ port: broker.port, clientId: 'watcher' });
    await watcher.subscribe('from/+/open');
    await using old = await RawClient.connect({ port: broker.port, clientId: 'liar', protocolVersion: 4 });
    for (const qos of [0, 1, 2] as const) await old.publish('from/watcher/open', 'forged', { qos });
    for (const qos of [0, 1, 2] as const) await old.publish('from/liar/open', 'own', { qos });
    for (const qos of [0, 1, 2]) {
      const packet = await watcher.receive();
      assert.deepEqual([packet.topic, payloadOf(packet), packet.qos], ['from/liar/open', 'own', qos]);
    }
    await watcher.expectNothing();
  });

  test('a refused retained message is not kept', async () => {
    await using client = await RawClient.connect({ port: broker.port, clientId: 'retainer' });
    await client.publish('from/other/open', 'forged', { qos: 1, retain: true });
    await client.subscribe('from/+/open');
    await client.expectNothing();
  });

  test('the first rule that fits decides; a verified user has its own', async () => {
    const options = { port: broker.port, clientId: 'a', userName: 'alice', password: secret };
    await using alice = await RawClient.connect(options);
    assert.equal(await alice.publish('secret/plans', 'x', { qos: 1 }), ReasonCode.notAuthorized);
    assert.equal(await alice.publish('admin/x', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    assert.equal(await alice.publish('user/alice', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    assert.equal(await alice.publish('user/bob', 'x', { qos: 1 }), ReasonCode.notAuthorized);
    await using stranger = await RawClient.connect({ port: broker.port });
    assert.equal(await stranger.publish('admin/x', 'x', { qos: 1 }), ReasonCode.notAuthorized);
  });

  test('a will that may not be published is refused at CONNECT', async () => {
    const will = { topic: 'secret/will', payload: secret, qos: 0, retain: false, properties: {} } as const;
    for (const protocolVersion of [4, 5] as const)
      assert.equal(await connectReason(broker.port, { protocolVersion, will }), ReasonCode.notAuthorized);
  });
});
