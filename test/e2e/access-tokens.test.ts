import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { jwtSigner, signWithSecret } from '../../src/broker/auth/testing/jwt-signer.ts';
import { KeyServer } from '../../src/broker/auth/testing/key-server.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { MqttJsClient } from '../support/mqtt-js-client.ts';
import { type ConnectOptions, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { type Settings, TestDirectory } from '../support/test-settings.ts';

const SECRET = 'a secret that is long enough to be one';
const { success, badUserNameOrPassword, notAuthorized, serverUnavailable } = ReasonCode;

const withToken = (token: string, clientId = 'c') => ({
  clientId,
  userName: 'unused',
  password: Buffer.from(token),
});

/** What the CONNACK says. */
async function signIn(port: number, options: Omit<ConnectOptions, 'port'>): Promise<ReasonCode> {
  await using client = await RawClient.open(port, options.protocolVersion);
  client.sendConnect(options);
  return (await client.expect('connack')).reasonCode;
}

const start = (settings: Settings): Promise<TestBroker> =>
  TestBroker.start({ 'authentication.failure_delay_ms': 0, ...settings });
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

let files: TestDirectory;
before(async () => {
  files = await TestDirectory.create();
});
after(() => files[Symbol.asyncDispose]());

describe('a token signs its bearer in', () => {
  for (const algorithm of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const)
    test(`by a public key of ${algorithm}, in a PEM file or in a key set`, async () => {
      const signer = jwtSigner(algorithm);
      const token = await signer.sign({ sub: 'alice' });
      const forged = await jwtSigner(algorithm).sign({ sub: 'alice' });
      const pem = files.write(`${algorithm}.pem`, signer.publicPem);
      const set = files.write(`${algorithm}.json`, JSON.stringify({ keys: [signer.jwk] }));
      for (const source of [`public_key_file=${pem}`, `jwks_file=${set}`]) {
        const [key, file] = source.split('=') as [string, string];
        await using broker = await start({ [`authentication.jwt.${key}`]: file });
        assert.equal(await signIn(broker.port, withToken(token)), success);
        assert.equal(await signIn(broker.port, withToken(forged)), badUserNameOrPassword);
        assert.equal(await signIn(broker.port, { clientId: 'c' }), notAuthorized);
      }
    });

  test('by a shared secret, in either version of MQTT, and with a client that is not ours', async () => {
    await using broker = await start({ 'authentication.jwt.secret_file': files.write('secret', `${SECRET}\n`) });
    for (const algorithm of ['HS256', 'HS384', 'HS512']) {
      const token = await signWithSecret(SECRET, { sub: 'alice' }, algorithm);
      assert.equal(await signIn(broker.port, { ...withToken(token), protocolVersion: 4 }), success);
      assert.equal(await signIn(broker.port, { ...withToken(token), protocolVersion: 5 }), success);
    }
    const password = await signWithSecret(SECRET, { sub: 'alice' });
    await using client = await MqttJsClient.connect(broker.port, { username: 'unused', password });
    assert.equal(client.client.connected, true);
  });

  test('by keys that are read again on request; a file that is wrong changes nothing', async () => {
    const [old, next] = [jwtSigner('ES256'), jwtSigner('ES256')];
    const file = files.write('rotated.pem', old.publicPem);
    await using broker = await start({ 'authentication.jwt.public_key_file': file });
    const answers = async () =>
      await Promise.all([old, next].map(async (key) => signIn(broker.port, withToken(await key.sign({ sub: 'a' })))));
    assert.deepEqual(await answers(), [success, badUserNameOrPassword]);
    writeFileSync(file, 'rubbish');
    await assert.rejects(broker.reload(), { code: 'malformed', message: /rotated\.pem/ });
    assert.deepEqual(await answers(), [success, badUserNameOrPassword]);
    writeFileSync(file, next.publicPem);
    await broker.reload();
    assert.deepEqual(await answers(), [badUserNameOrPassword, success]);
  });

  test('not by keys that no port should be opened for', async () => {
    const file = files.write('rubbish', 'rubbish');
    for (const key of ['secret_file', 'public_key_file', 'jwks_file'])
      await assert.rejects(start({ [`authentication.jwt.${key}`]: file }), { code: 'malformed', message: /rubbish: / });
  });
});

describe('a key set at a URL', () => {
  test('changes with its issuer', async () => {
    await using server = await KeyServer.start();
    const [old, next] = [jwtSigner('RS256', '1'), jwtSigner('RS256', '2')];
    server.answer({ keys: [old.jwk] });
    await using broker = await start({ 'authentication.jwt.jwks_url': server.url });
    assert.equal(await signIn(broker.port, withToken(await old.sign({ sub: 'a' }))), success);
    server.answer({ keys: [next.jwk] });
    broker.clock.advanceSeconds(301);
    assert.equal(await signIn(broker.port, withToken(await next.sign({ sub: 'a' }))), success);
    assert.equal(await signIn(broker.port, withToken(await old.sign({ sub: 'a' }))), badUserNameOrPassword);
  });

  test('that cannot be had is no fault of the client: 0x88, and return code 3; it is not counted against it', async () => {
    await using server = await KeyServer.start();
    const signer = jwtSigner('RS256');
    server.fail();
    await using broker = await start({ 'authentication.jwt.jwks_url': server.url, 'authentication.max_failures': 1 });
    const token = await signer.sign({ sub: 'a' });
    for (const protocolVersion of [5, 4] as const)
      assert.equal(await signIn(broker.port, { ...withToken(token), protocolVersion }), serverUnavailable);
    await assert.rejects(
      MqttJsClient.connect(broker.port, { protocolVersion: 4, username: 'unused', password: token }),
      { code: 3 },
    );
    server.answer({ keys: [signer.jwk] });
    broker.clock.advanceSeconds(10);
    assert.equal(await signIn(broker.port, withToken(token)), success);
  });
});

describe('what a token says', () => {
  let broker: TestBroker;
  before(async () => {
    broker = await start({
      'authentication.jwt.secret_file': files.write('claims', SECRET),
      'authentication.jwt.client_id_claim': 'client',
      'authentication.jwt.clock_tolerance_seconds': 0,
    });
  });
  after(() => broker[Symbol.asyncDispose]());

  const tokenFor = (clientId: string, claims: object = {}) =>
    signWithSecret(SECRET, { sub: 'alice', client: clientId, ...claims });
  const connect = async (clientId: string, claims: object = {}, more: Partial<ConnectOptions> = {}) =>
    RawClient.connect({ port: broker.port, ...withToken(await tokenFor(clientId, claims), clientId), ...more });

  test('of the client id binds it', async () => {
    const token = await tokenFor('mine');
    assert.equal(await signIn(broker.port, withToken(token, 'mine')), success);
    assert.equal(await signIn(broker.port, withToken(token, 'theirs')), notAuthorized);
  });

  test('of topics is all the client may do; other clients are as free as the configuration leaves them', async () => {
    const acl = [
      { permission: 'deny', action: 'all', topics: ['from/%c/secret'] },
      { permission: 'allow', action: 'publish', topics: ['from/%c/#'] },
      { permission: 'allow', action: 'subscribe', topics: ['to/%u/#'] },
    ];
    await using bound = await connect('bound', { acl });
    assert.equal(await bound.publish('from/bound/x', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
    assert.equal(await bound.publish('from/bound/secret', 'x', { qos: 1 }), notAuthorized);
    assert.equal(await bound.publish('elsewhere', 'x', { qos: 1 }), notAuthorized);
    assert.deepEqual([...(await bound.subscribe(['to/alice/#', 'to/#'])).reasonCodes], [2, notAuthorized]);
    await using free = await connect('free');
    assert.equal(await free.publish('elsewhere', 'x', { qos: 1 }), ReasonCode.noMatchingSubscribers);
  });

  test('of topics holds for the will as well, and must make sense', async () => {
    const acl = [{ permission: 'allow', action: 'publish', topics: ['mine'] }];
    const will = { payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;
    const options = withToken(await tokenFor('w', { acl }), 'w');
    assert.equal(await signIn(broker.port, { ...options, will: { ...will, topic: 'mine' } }), success);
    assert.equal(await signIn(broker.port, { ...options, will: { ...will, topic: 'other' } }), notAuthorized);
    const nonsense = await tokenFor('w', { acl: [{ allow: 'everything' }] });
    assert.equal(await signIn(broker.port, withToken(nonsense, 'w')), notAuthorized);
  });

  test('of its end ends the connection: 0xA0, and the will is published', async () => {
    const will = { topic: 'gone', payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;
    await using watcher = await connect('watcher');
    await watcher.subscribe('gone');
    await using recent = await connect('recent', { exp: inSeconds(100) }, { will });
    await using old = await connect('old', { exp: inSeconds(100) }, { protocolVersion: 4 });
    await using later = await connect('later', { exp: inSeconds(10_000) });
    broker.clock.advanceSeconds(101);
    await recent.expectDisconnect(ReasonCode.maximumConnectTime);
    await old.expectClose();
    assert.equal((await watcher.receive()).topic, 'gone');
    await later.expectNothing();
    assert.equal(
      await signIn(broker.port, withToken(await tokenFor('x', { exp: inSeconds(50) }), 'x')),
      badUserNameOrPassword,
    );
  });
});
