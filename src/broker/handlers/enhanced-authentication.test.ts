import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectOptions, payloadOf, RawClient } from '../../../test/support/raw-client.ts';
import { ScramClient } from '../../../test/support/scram-client.ts';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import type { ConnackPacket } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { deriveScramCredential } from '../auth/scram-credential.ts';
import { ScramSha256 } from '../auth/scram-sha-256.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';

const METHOD = 'SCRAM-SHA-256';
const pencil = (await deriveScramCredential('pencil', 4096))!;
const SECOND_MS = 1000;

async function open(settings: Parameters<typeof BrokerUnderTest.start>[0] = {}) {
  const broker = await BrokerUnderTest.start({ 'authentication.failure_delay_ms': 0, ...settings });
  broker.enhanced.set('default', new ScramSha256({ records: new Map([['alice', pencil]]), version: 1 }));
  const port = await broker.listen();
  return {
    broker,
    port,
    /** A client that has sent its CONNECT with the first message. */
    async begun(scram: ScramClient, { properties = {}, ...options }: Omit<ConnectOptions, 'port'> = {}) {
      const client = await RawClient.open(port);
      const exchange = { authenticationMethod: METHOD, authenticationData: scram.first };
      client.sendConnect({ clientId: 'c', ...options, properties: { ...exchange, ...properties } });
      return client;
    },
    /** One that has been let in. */
    async connected(scram: ScramClient, options: Omit<ConnectOptions, 'port'> = {}) {
      const client = await this.begun(scram, options);
      await answer(client, scram);
      return Object.assign(client, { connack: await client.expect('connack') });
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

function sendAuth(client: RawClient, reasonCode: ReasonCode, authenticationData: Uint8Array, method = METHOD): void {
  client.send({ type: 'auth', reasonCode, properties: { authenticationMethod: method, authenticationData } });
}

/** Answers the server's challenge. */
async function answer(client: RawClient, scram: ScramClient): Promise<void> {
  const { reasonCode, properties } = await client.expect('auth');
  assert.equal(reasonCode, ReasonCode.continueAuthentication, '[MQTT-4.12.0-3]');
  assert.equal(properties.authenticationMethod, METHOD, '[MQTT-4.12.0-5]');
  sendAuth(client, ReasonCode.continueAuthentication, scram.final(properties.authenticationData!));
}

const alice = () => new ScramClient('alice', 'pencil');
const eve = () => new ScramClient('alice', 'eraser');

async function expectRefusal(client: RawClient, reasonCode: ReasonCode): Promise<ConnackPacket> {
  const connack = await client.expect('connack');
  assert.equal(connack.reasonCode, reasonCode);
  await client.expectClose();
  return connack;
}

describe('enhanced authentication at connect', () => {
  it('lets in who proves the password, and proves that the server knows it too', async () => {
    await using scene = await open();
    const scram = alice();
    await using client = await scene.connected(scram);
    assert.equal(client.connack.reasonCode, ReasonCode.success);
    assert.equal(client.connack.properties.authenticationMethod, METHOD, '[MQTT-4.12.0-5]');
    assert.ok(scram.trusts(client.connack.properties.authenticationData));
    assert.equal(scene.broker.assembly.lifecycle.sessions.get('c')?.userName, 'alice');
    await client.subscribe('a');
    client.sendPublish('a', 'x');
    assert.equal(payloadOf(await client.expect('publish')), 'x');
  });

  it('is in one trace, with every step', async () => {
    await using scene = await open();
    await using client = await scene.connected(alice());
    await client.expectNothing();
    const [connect] = scene.broker.spansNamed('mqtt/connect');
    const [auth] = scene.broker.spansNamed('mqtt/auth');
    assert.deepEqual(auth?.parent, { type: 'local', spanId: connect?.spanId });
    const steps = scene.broker.spansNamed('auth/validate');
    assert.deepEqual(
      steps.slice(0, 2).map((step) => [attributesOf(step).get(ATTRIBUTES.authMethod), step.parent]),
      [
        ['scram-sha-256', { type: 'local', spanId: connect?.spanId }],
        ['scram-sha-256', { type: 'local', spanId: auth?.spanId }],
      ],
    );
    assert.equal(scene.broker.count(counterId(METRICS.requestsTotal, 'auth')), 1);
    assert.equal(scene.broker.count(counterId(METRICS.loginsTotal, 'scram')), 1);
  });

  for (const [what, scram] of [
    ['a wrong password', eve()],
    ['a name that is nobody’s, in the same way', new ScramClient('nobody', 'pencil')],
  ] as const)
    it(`refuses ${what} [MQTT-4.12.0-4], and shows it in the trace`, async () => {
      await using scene = await open();
      await using client = await scene.begun(scram);
      await answer(client, scram);
      const { properties } = await expectRefusal(client, ReasonCode.notAuthorized);
      assert.deepEqual(properties, { reasonString: 'the authentication failed' });
      for (const name of ['mqtt/connect', 'mqtt/auth']) assert.ok(scene.broker.spansNamed(name).at(-1)?.failure, name);
      assert.ok(scene.broker.spansNamed('auth/validate').at(-1)?.failure);
      assert.equal(scene.broker.count(counterId(METRICS.loginsRefusedTotal, 'scram')), 1);
    });

  it('refuses a method that there is not [MQTT-4.12.0-1]', async () => {
    await using scene = await open();
    await using client = await RawClient.open(scene.port);
    client.sendConnect({ properties: { authenticationMethod: 'SCRAM-SHA-1' } });
    await expectRefusal(client, ReasonCode.badAuthenticationMethod);
  });

  it('refuses a client that says nothing', async () => {
    await using scene = await open();
    await using client = await RawClient.open(scene.port);
    client.sendConnect({ properties: { authenticationMethod: METHOD } });
    await expectRefusal(client, ReasonCode.notAuthorized);
  });

  for (const [what, reasonCode, method] of [
    ['another method', ReasonCode.continueAuthentication, 'SCRAM-SHA-1'],
    ['a re-authentication', ReasonCode.reAuthenticate, METHOD],
    ['a success of its own', ReasonCode.success, METHOD],
  ] as const)
    it(`refuses an answer with ${what}`, async () => {
      await using scene = await open();
      const scram = alice();
      await using client = await scene.begun(scram);
      const { properties } = await client.expect('auth');
      sendAuth(client, reasonCode, scram.final(properties.authenticationData!), method);
      await expectRefusal(client, ReasonCode.protocolError);
    });

  it('ends with any other packet in between [MQTT-3.1.2-30]', async () => {
    await using scene = await open();
    for (const packet of [
      { type: 'pingreq' },
      {
        type: 'publish',
        topic: 'a',
        payload: Buffer.from('x'),
        qos: 0,
        retain: false,
        duplicate: false,
        packetId: 0,
        properties: {},
      },
      { type: 'puback', packetId: 1, reasonCode: 0, properties: {} },
    ] as const) {
      await using client = await scene.begun(alice());
      await client.expect('auth');
      client.send(packet);
      await client.expectClose();
    }
    await using twice = await scene.begun(alice());
    await twice.expect('auth');
    twice.sendConnect({ clientId: 'c' });
    await twice.expectClose();
    assert.equal(scene.broker.assembly.lifecycle.sessions.size, 0);
  });

  it('ends when the client says goodbye, or just goes', async () => {
    await using scene = await open();
    await using polite = await scene.begun(alice());
    await polite.expect('auth');
    await polite.disconnect();
    await using rude = await scene.begun(alice());
    await rude.expect('auth');
    await rude.drop();
    await using witness = await RawClient.connect({ port: scene.port });
    await witness.expectNothing();
    const ends = scene.broker.spansNamed('mqtt/connect').filter(({ failure }) => failure !== null);
    assert.deepEqual(
      ends.map((span) => attributesOf(span).get(ATTRIBUTES.errorType)),
      ['abandoned', 'abandoned'],
    );
  });

  it('has as long as a connection has for its CONNECT', async () => {
    await using scene = await open({ 'mqtt.connect_timeout_ms': SECOND_MS });
    await using client = await scene.begun(alice());
    await client.expect('auth');
    const { connections } = scene.broker.assembly;
    connections.tick(scene.broker.clock.now() + SECOND_MS + 1);
    await client.expectClose();
  });

  it('takes an answer that came together with the CONNECT, and what was sent behind it', async () => {
    await using scene = await open();
    scene.broker.enhanced.set('default', {
      method: 'two-steps',
      begin: () => ({
        type: 'continue',
        data: Buffer.from('?'),
        next: (data) => ({ type: 'allowed', identity: 'bob', data }),
      }),
    });
    await using client = await RawClient.open(scene.port);
    const exchange = { authenticationMethod: 'two-steps', authenticationData: Buffer.from('!') };
    client.send(
      {
        type: 'connect',
        protocolVersion: 5,
        cleanStart: true,
        keepAliveSeconds: 0,
        clientId: 'b',
        properties: exchange,
      },
      { type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties: exchange },
      { type: 'pingreq' },
    );
    await client.expect('auth');
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
    await client.expect('pingresp');
  });

  it('sends no challenge that is larger than the client takes [MQTT-3.1.2-24]', async () => {
    await using scene = await open();
    await using client = await scene.begun(alice(), { properties: { maximumPacketSize: 60 } });
    await expectRefusal(client, ReasonCode.packetTooLarge);
  });

  it('bans who guesses', async () => {
    await using scene = await open({ 'authentication.max_failures': 2 });
    for (const _ of [1, 2]) {
      const scram = eve();
      await using client = await scene.begun(scram);
      await answer(client, scram);
      await expectRefusal(client, ReasonCode.notAuthorized);
    }
    const right = alice();
    await using client = await scene.begun(right);
    await answer(client, right);
    await expectRefusal(client, ReasonCode.banned);
  });
});

describe('re-authentication', () => {
  async function again(client: RawClient, scram: ScramClient): Promise<void> {
    sendAuth(client, ReasonCode.reAuthenticate, scram.first);
    await answer(client, scram);
  }

  it('is answered with success, and the connection goes on, also in between', async () => {
    await using scene = await open();
    await using client = await scene.connected(alice());
    await client.subscribe('a');
    const scram = alice();
    sendAuth(client, ReasonCode.reAuthenticate, scram.first);
    const { properties } = await client.expect('auth');
    client.sendPublish('a', 'meanwhile');
    assert.equal(payloadOf(await client.expect('publish')), 'meanwhile');
    sendAuth(client, ReasonCode.continueAuthentication, scram.final(properties.authenticationData!));
    const end = await client.expect('auth');
    assert.equal(end.reasonCode, ReasonCode.success);
    assert.equal(end.properties.authenticationMethod, METHOD);
    assert.ok(scram.trusts(end.properties.authenticationData));
    client.sendPublish('a', 'after');
    assert.equal(payloadOf(await client.expect('publish')), 'after');
    await again(client, alice());
    assert.equal((await client.expect('auth')).reasonCode, ReasonCode.success, 'as often as the client likes');
  });

  it('that fails ends the connection [MQTT-4.12.1-2]', async () => {
    await using scene = await open();
    await using client = await scene.connected(alice());
    await again(client, eve());
    await client.expectDisconnect(ReasonCode.notAuthorized);
    assert.ok(scene.broker.spansNamed('mqtt/auth').at(-1)?.failure);
  });

  it('as somebody else ends the connection', async () => {
    await using scene = await open();
    scene.broker.enhanced.set(
      'default',
      new ScramSha256({
        records: new Map([
          ['alice', pencil],
          ['bob', pencil],
        ]),
        version: 1,
      }),
    );
    await using client = await scene.connected(alice());
    await again(client, new ScramClient('bob', 'pencil'));
    await client.expectDisconnect(ReasonCode.notAuthorized);
    assert.ok(scene.broker.spansNamed('mqtt/auth').at(-1)?.failure);
  });

  it('that the client does not finish ends the connection in time', async () => {
    await using scene = await open({ 'mqtt.connect_timeout_ms': SECOND_MS });
    await using client = await scene.connected(alice());
    sendAuth(client, ReasonCode.reAuthenticate, alice().first);
    await client.expect('auth');
    const { enhanced } = scene.broker.assembly;
    enhanced.tick(scene.broker.clock.now() + SECOND_MS);
    await client.expectNothing();
    enhanced.tick(scene.broker.clock.now() + SECOND_MS + 1);
    await client.expectDisconnect(ReasonCode.notAuthorized);
  });

  for (const [what, reasonCode, method] of [
    ['begins with another method [MQTT-4.12.1-1]', ReasonCode.reAuthenticate, 'SCRAM-SHA-1'],
    ['continues what was not begun', ReasonCode.continueAuthentication, METHOD],
    ['says success', ReasonCode.success, METHOD],
  ] as const)
    it(`ends the connection when the client ${what}`, async () => {
      await using scene = await open();
      await using client = await scene.connected(alice());
      sendAuth(client, reasonCode, alice().first, method);
      await client.expectDisconnect(ReasonCode.protocolError);
    });

  it('is out of place where CONNECT named no method [MQTT-4.12.0-7], and CONNACK names none then [MQTT-4.12.0-6]', async () => {
    await using scene = await open();
    await using client = await RawClient.connect({ port: scene.port, clientId: 'd' });
    assert.equal(client.connack.properties.authenticationMethod, undefined);
    sendAuth(client, ReasonCode.reAuthenticate, alice().first);
    await client.expectDisconnect(ReasonCode.protocolError);
    assert.equal(scene.broker.count(counterId(METRICS.requestErrorsTotal, 'auth')), 1);
  });

  it('begun twice at once is out of place', async () => {
    await using scene = await open();
    await using client = await scene.connected(alice());
    for (const _ of [1, 2]) sendAuth(client, ReasonCode.reAuthenticate, alice().first);
    await client.expect('auth');
    await client.expectDisconnect(ReasonCode.protocolError);
  });
});

it('AUTH is not for MQTT 3.1.1', async () => {
  await using scene = await open();
  await using client = await RawClient.connect({ port: scene.port, protocolVersion: 4 });
  client.sendBytes(encodePacket({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties: {} }, 5));
  await client.expectClose();
});
