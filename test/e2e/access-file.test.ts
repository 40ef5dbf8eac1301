import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';
import { TracedBroker } from './traces/support/traced-broker.ts';

const { noMatchingSubscribers: delivered, notAuthorized } = ReasonCode;
const will = { payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;

const ACL = `topic read public/#

user alice
topic write commands/+
topic deny commands/reboot

pattern readwrite devices/%c/#
`;

describe('an ACL file', () => {
  test('decides on publishing, subscribing and wills, for users and for strangers', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start({
      'authorization.acl_file': files.write('acl', ACL),
      'authentication.password_file': files.write('passwords', cheapLine('alice', 'a')),
      'authentication.failure_delay_ms': 0,
      'listeners.0.allow_anonymous': true,
    });
    const asAlice = { port: broker.port, clientId: 'console', userName: 'alice', password: Buffer.from('a') };
    await using alice = await RawClient.connect(asAlice);
    await using stranger = await RawClient.connect({ port: broker.port, clientId: 'meter' });
    for (const [client, topic, expected] of [
      [alice, 'commands/stop', delivered],
      [alice, 'commands/reboot', notAuthorized],
      [alice, 'devices/console/x', delivered],
      [alice, 'devices/meter/x', notAuthorized],
      [stranger, 'devices/meter/x', delivered],
      [stranger, 'commands/stop', notAuthorized],
      [stranger, 'public/x', notAuthorized],
    ] as const)
      assert.equal(await client.publish(topic, 'x', { qos: 1 }), expected, topic);
    assert.deepEqual(
      [...(await alice.subscribe(['commands/stop', 'devices/console/#'])).reasonCodes],
      [notAuthorized, 2],
    );
    const granted = await stranger.subscribe(['public/#', '#', '$share/g/public/x', 'devices/#']);
    assert.deepEqual([...granted.reasonCodes], [2, notAuthorized, 2, notAuthorized]);

    await using late = await RawClient.open(broker.port);
    late.sendConnect({ clientId: 'late', will: { ...will, topic: 'devices/meter/gone' } });
    assert.equal((await late.expect('connack')).reasonCode, notAuthorized);
    await using own = await RawClient.connect({
      port: broker.port,
      clientId: 'own',
      will: { ...will, topic: 'devices/own/gone' },
    });
    await own.expectNothing();
  });

  test('is read again on request; one that is malformed changes nothing, and none starts with it', async () => {
    await using files = await TestDirectory.create();
    const file = files.write('acl', 'topic a\n');
    await using broker = await TestBroker.start({ 'authorization.acl_file': file });
    await using client = await RawClient.connect({ port: broker.port });
    const answers = async () => [
      await client.publish('a', 'x', { qos: 1 }),
      await client.publish('b', 'x', { qos: 1 }),
    ];
    assert.deepEqual(await answers(), [delivered, notAuthorized]);
    writeFileSync(file, 'topic b\ntopics c\n');
    await assert.rejects(broker.reload(), { code: 'malformed', message: /acl:2: "topics"/ });
    assert.deepEqual(await answers(), [delivered, notAuthorized]);
    await assert.rejects(TestBroker.start({ 'authorization.acl_file': file }), { code: 'malformed' });
    writeFileSync(file, 'topic b\n');
    await broker.reload();
    assert.deepEqual(await answers(), [notAuthorized, delivered]);
  });

  test('of a listener is in place of that of all', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start({
      'authorization.acl_file': files.write('all', 'topic all\n'),
      'listeners.1.name': 'devices',
      'listeners.1.port': 0,
      'listeners.1.acl_file': files.write('devices', 'topic devices\n'),
    });
    for (const [listener, allowed, refused] of [
      ['default', 'all', 'devices'],
      ['devices', 'devices', 'all'],
    ] as const) {
      await using client = await RawClient.connect({ port: broker.portOfListener(listener) });
      assert.equal(await client.publish(allowed, 'x', { qos: 1 }), delivered);
      assert.equal(await client.publish(refused, 'x', { qos: 1 }), notAuthorized);
    }
  });

  test('shows in the trace the line that decided, as rules show themselves', async () => {
    await using files = await TestDirectory.create();
    await using traced = await TracedBroker.start({
      settings: {
        'authorization.acl_file': files.write('acl', '\ntopic write by/file\n'),
        'authorization.rules': JSON.stringify([{ permission: 'allow', action: 'publish', topics: ['by/rule'] }]),
      },
    });
    await using client = await traced.connect();
    for (const [topic, rule] of [
      ['by/rule', 'rules.0'],
      ['by/file', 'acl_file:2'],
      ['by/nobody', 'default'],
      ['$SYS/x', 'reserved'],
    ] as const) {
      await client.publish(topic, 'x', { qos: 1 });
      const span = await traced.span('topic/authorize', { 'mqtt.topic': topic });
      assert.equal(span.attributes['robustmq.auth.rule'], rule);
    }
  });
});
