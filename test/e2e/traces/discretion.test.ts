import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { formatPasswordHash, hashPassword } from '../../../src/broker/auth/password-hash.ts';
import type { PropertiesOf } from '../../../src/mqtt/property.ts';
import type { ReceivedSpan } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { OtlpReceiver } from '../../../src/telemetry/testing/otlp-receiver.ts';
import { BrokerProcess } from '../../support/broker-process.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type Settings, TestDirectory } from '../../support/test-settings.ts';

const USER = 'user-of-the-test';
const PASSWORD = 'password-of-the-test';
const WRONG_PASSWORD = 'wrong-password-of-the-test';
const STRANGER = 'stranger-of-the-test';
const PAYLOAD = 'payload-of-the-test';
const PROPERTY = 'property-of-the-test';
const CLIENT = 'client-of-the-test';
const KEY = 'key-of-the-test';
const hmac = (text: string | Uint8Array): string => createHmac('sha256', KEY).update(text).digest('hex');

const properties: PropertiesOf<'publish'> & PropertiesOf<'will'> = {
  userProperties: [
    ['tenant', PROPERTY],
    ['other', PROPERTY],
  ],
};

interface Told {
  readonly spans: readonly ReceivedSpan[];
  /** Everything that left the process: requests with spans, and what it wrote. */
  readonly all: string;
}

/** What becomes known of clients with names, passwords, properties and payloads at every QoS, let in and refused. */
async function toldWith(attributes: Settings): Promise<Told> {
  await using directory = await TestDirectory.create();
  await using receiver = await OtlpReceiver.start();
  const hash = formatPasswordHash(await hashPassword(Buffer.from(PASSWORD)));
  const settings = {
    'authentication.password_file': directory.write('passwords', `${USER}:${hash}\n`),
    'authentication.failure_delay_ms': 0,
    'log.level': 'debug',
    'telemetry.exporter_type': 'otlp',
    'telemetry.exporter_endpoint': `grpc://127.0.0.1:${receiver.grpcPort}`,
    'telemetry.attributes.hash_key': KEY,
    ...Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`telemetry.attributes.${key}`, value])),
  };
  await using broker = await BrokerProcess.start({ directory, settings });
  await talk(broker.port);
  assert.deepEqual(await broker.kill('SIGTERM'), { code: 0, signal: null });
  const sent = receiver.traces.map((bytes) => Buffer.from(bytes).toString('latin1')).join('');
  return { spans: receiver.spans, all: sent + broker.output + broker.errors };
}

async function talk(port: number): Promise<void> {
  const known = { port, userName: USER, password: Buffer.from(PASSWORD) };
  const will = { topic: 'will', payload: Buffer.from(PAYLOAD), qos: 1, retain: false, properties } as const;
  await using five = await RawClient.connect({ ...known, clientId: CLIENT, will });
  await using three = await RawClient.connect({ ...known, clientId: 'three', protocolVersion: 4 });
  await five.subscribe('#');
  for (const qos of [0, 1, 2] as const) {
    await five.publish('t', PAYLOAD, { qos, properties });
    await five.receive();
    await three.publish('t', PAYLOAD, { qos });
    await five.receive();
  }
  await five.publish('binary', Buffer.from([0xff, 0]), { qos: 1 });
  await five.receive();
  for (const [userName, password] of [
    [USER, WRONG_PASSWORD],
    [STRANGER, PASSWORD],
  ] as const) {
    await using refused = await RawClient.open(port);
    refused.sendConnect({ clientId: 'refused', userName, password: Buffer.from(password) });
    await refused.expect('connack');
  }
  await five.drop();
  await three.expectNothing();
  await three.disconnect();
}

const publishesOf = ({ spans }: Told, topic = 't') =>
  spans.filter(({ name, attributes }) => name === 'mqtt/publish' && attributes['mqtt.topic'] === topic);

describe('what telemetry tells of people and of what they send', () => {
  it('is nothing but client ids, unless somebody wants more', async () => {
    const told = await toldWith({});
    assert.equal(publishesOf(told).length, 6);
    assert.ok(told.all.includes(CLIENT));
    for (const secret of [USER, PASSWORD, WRONG_PASSWORD, STRANGER, PAYLOAD, PROPERTY, hmac(USER), hmac(PAYLOAD)])
      assert.ok(!told.all.includes(secret), secret);
  });

  it('is what configuration names, in plain words', async () => {
    const wanted = { user_name: 'plain', payload: 'plain', payload_max_bytes: 7, user_properties: 'tenant' };
    const told = await toldWith(wanted);
    const publishes = publishesOf(told);
    assert.deepEqual(new Set(publishes.map(({ attributes }) => attributes['mqtt.payload'])), new Set(['payload']));
    assert.deepEqual(new Set(publishes.map(({ attributes }) => attributes['user.name'])), new Set([USER]));
    const properties = publishes.map(({ attributes }) => attributes['mqtt.user_properties']);
    assert.deepEqual(
      properties.filter((list) => list !== undefined),
      Array.from({ length: 3 }, () => [`tenant=${PROPERTY}`]),
    );
    assert.equal(publishesOf(told, 'binary')[0]!.attributes['mqtt.payload'], Buffer.from([0xff, 0]).toString('base64'));
    const will = told.spans.find(({ name }) => name === 'will/publish')!;
    assert.deepEqual(will.attributes['mqtt.user_properties'], [`tenant=${PROPERTY}`]);
    for (const secret of [PASSWORD, WRONG_PASSWORD]) assert.ok(!told.all.includes(secret), secret);
  });

  it('is hashes under the configured key, where that is wanted', async () => {
    const told = await toldWith({
      user_name: 'hash',
      client_id: 'hash',
      payload: 'hash',
      user_properties: 'tenant',
      user_property_values: 'hash',
    });
    const publishes = publishesOf(told);
    assert.equal(publishes.length, 6);
    for (const { attributes } of publishes) {
      assert.equal(attributes['user.hash'], hmac(USER));
      assert.equal(attributes['mqtt.payload_hash'], hmac(PAYLOAD));
      assert.equal(attributes['messaging.client.id'], attributes['mqtt.client_id']);
    }
    assert.ok(publishes.some(({ attributes }) => attributes['mqtt.client_id'] === hmac(CLIENT)));
    assert.ok(
      publishes.some(({ attributes }) => String(attributes['mqtt.user_properties']) === `tenant=${hmac(PROPERTY)}`),
    );
    const sent = JSON.stringify(told.spans);
    for (const secret of [USER, PASSWORD, STRANGER, PAYLOAD, PROPERTY, CLIENT, KEY])
      assert.ok(!sent.includes(secret), secret);
  });
});
