import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { deriveScramCredential, formatScramCredential } from '../../src/broker/auth/scram-credential.ts';
import { cheapLine } from '../../src/broker/auth/testing/cheap-hash.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScramClient } from '../support/scram-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { type Settings, TestDirectory } from '../support/test-settings.ts';
import { TracedBroker } from './traces/support/traced-broker.ts';

const { success, badUserNameOrPassword: wrong, banned, notAuthorized } = ReasonCode;

/** What the CONNACK says. */
async function signIn(
  port: number,
  userName: string,
  password: string,
  { from = '127.0.0.1', version = 5 as ProtocolVersion } = {},
): Promise<ReasonCode> {
  await using client = RawClient.over(connect({ port, host: '127.0.0.1', localAddress: from }), version);
  client.sendConnect({ clientId: 'c', userName, password: Buffer.from(password) });
  return (await client.expect('connack')).reasonCode;
}

/** What the CONNACK says at the end of an exchange. */
async function signInByScram(port: number, password: string): Promise<ReasonCode> {
  await using client = await RawClient.open(port);
  const scram = new ScramClient('alice', password);
  const authenticationMethod = 'SCRAM-SHA-256';
  client.sendConnect({ clientId: 'c', properties: { authenticationMethod, authenticationData: scram.first } });
  const challenge = await client.next();
  if (challenge.type === 'connack') return challenge.reasonCode;
  assert.ok(challenge.type === 'auth');
  const authenticationData = scram.final(challenge.properties.authenticationData!);
  const properties = { authenticationMethod, authenticationData };
  client.send({ type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties });
  return (await client.expect('connack')).reasonCode;
}

/** With users alice and bob, whose passwords are their names. */
const settings = (files: TestDirectory, more: Settings = {}): Settings => ({
  'authentication.password_file': files.write('passwords', cheapLine('alice', 'alice') + cheapLine('bob', 'bob')),
  'authentication.failure_delay_ms': 0,
  'authentication.max_failures': 3,
  ...more,
});

describe('failed logins', () => {
  test('ban the user from the address for a time, whatever the password; others are as welcome as before', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start(settings(files, { 'authentication.ban_seconds': 60 }));
    const { port, clock } = broker;
    for (let time = 0; time < 3; time += 1) assert.equal(await signIn(port, 'alice', 'guess'), wrong);
    assert.equal(await signIn(port, 'alice', 'alice'), banned);
    assert.equal(await signIn(port, 'bob', 'bob'), success);
    assert.equal(await signIn(port, 'alice', 'alice', { from: '127.0.0.2' }), success);
    clock.advanceSeconds(59);
    assert.equal(await signIn(port, 'alice', 'alice'), banned);
    clock.advanceSeconds(1);
    assert.equal(await signIn(port, 'alice', 'alice'), success);
  });

  test('are told to a client of MQTT 3.1.1 by return code 5', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start(settings(files));
    for (let time = 0; time < 3; time += 1) await signIn(broker.port, 'alice', 'guess', { version: 4 });
    assert.equal(await signIn(broker.port, 'alice', 'alice', { version: 4 }), notAuthorized);
    const options = { protocolVersion: 4, username: 'alice', password: 'alice' } as const;
    await assert.rejects(MqttJsClient.connect(broker.port, options), { code: 5 });
  });

  test('are forgotten with a success, and when the window is over', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start(settings(files, { 'authentication.failure_window_seconds': 30 }));
    const answers = [];
    for (const password of ['guess', 'guess', 'alice', 'guess', 'guess'])
      answers.push(await signIn(broker.port, 'alice', password));
    broker.clock.advanceSeconds(30);
    for (const password of ['guess', 'guess', 'alice']) answers.push(await signIn(broker.port, 'alice', password));
    assert.deepEqual(answers, [wrong, wrong, success, wrong, wrong, wrong, wrong, success]);
  });

  test('under many names ban the address; a CONNECT without credentials is no guess', async () => {
    await using files = await TestDirectory.create();
    await using broker = await TestBroker.start(settings(files, { 'authentication.max_failures_per_address': 4 }));
    for (let time = 0; time < 5; time += 1) {
      await using client = await RawClient.open(broker.port);
      client.sendConnect({ clientId: 'c' });
      assert.equal((await client.expect('connack')).reasonCode, notAuthorized);
    }
    for (const user of ['a', 'b', 'c', 'd']) assert.equal(await signIn(broker.port, user, 'x'), wrong);
    assert.equal(await signIn(broker.port, 'bob', 'bob'), banned);
    assert.equal(await signIn(broker.port, 'bob', 'bob', { from: '127.0.0.2' }), success);
  });

  test('of an exchange of AUTH packets are failed logins too', async () => {
    await using files = await TestDirectory.create();
    const credential = formatScramCredential((await deriveScramCredential('pencil', 4096))!);
    await using broker = await TestBroker.start({
      'authentication.scram_file': files.write('scram', `alice:${credential}\n`),
      'authentication.failure_delay_ms': 0,
      'authentication.max_failures': 2,
    });
    const answers = [];
    for (const password of ['pencil', 'pen', 'pen', 'pencil']) answers.push(await signInByScram(broker.port, password));
    assert.deepEqual(answers, [success, notAuthorized, notAuthorized, banned]);
    broker.clock.advanceSeconds(300);
    assert.equal(await signInByScram(broker.port, 'pencil'), success);
  });

  test('are seen in metrics and traces', async () => {
    await using files = await TestDirectory.create();
    await using traced = await TracedBroker.start({ settings: settings(files) });
    for (const password of ['alice', 'guess', 'guess', 'guess', 'alice']) await signIn(traced.port, 'alice', password);
    const metrics = await traced.metrics();
    assert.equal(metrics.get('robustmq_logins_total{method="password"}'), 1);
    assert.equal(metrics.get('robustmq_logins_refused_total{method="password"}'), 3);
    assert.equal(metrics.get('robustmq_logins_refused_total{method="banned"}'), 1);
    assert.equal(metrics.get('robustmq_auth_bans_total{scope="user"}'), 1);
    assert.equal(metrics.get('robustmq_auth_banned'), 1);
    assert.equal(metrics.get('robustmq_connections_closed_total{reason="banned"}'), 1);
    const span = await traced.span('auth/validate', { 'error.type': 'banned' });
    const parent = await traced.span('mqtt/connect', { 'error.type': 'banned' });
    assert.equal(span.parentSpanId, parent.spanId);
    assert.equal(parent.attributes['mqtt.reason_code'], banned);
  });
});

test('a refusal that waits keeps nothing up: not the client that leaves, nor the broker that stops', async () => {
  await using files = await TestDirectory.create();
  await using broker = await TestBroker.start(
    settings(files, { 'authentication.failure_delay_ms': 60_000, 'mqtt.connect_timeout_ms': 120_000 }),
  );
  const [leaving, staying] = [await RawClient.open(broker.port), await RawClient.open(broker.port)];
  for (const client of [leaving, staying])
    client.sendConnect({ clientId: 'c', userName: 'alice', password: Buffer.from('guess') });
  await leaving.drop();
  assert.equal(await signIn(broker.port, 'bob', 'bob'), success);
  await broker.stop();
  await staying.ended();
});
