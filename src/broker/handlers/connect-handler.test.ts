import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectOptions, payloadOf, RawClient } from '../../../test/support/raw-client.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { STAGES } from '../../telemetry/stage.ts';
import { observationsOf } from '../../telemetry/testing/observations.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { replacing } from '../testing/replacing.ts';

const PERSISTENT = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 1000 } };
const WILL = { topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: {} };

async function open(settings: Parameters<typeof BrokerUnderTest.start>[0] = {}, placement?: Placement) {
  const broker = await BrokerUnderTest.start(settings, placement && { placement });
  const port = await broker.listen();
  return {
    broker,
    port,
    connect: (options: Omit<ConnectOptions, 'port'> = {}) => RawClient.connect({ port, ...options }),
    /** The answer to a CONNECT that is not taken, after which the connection ends. */
    async refusal(options: Omit<ConnectOptions, 'port'>) {
      const client = await RawClient.open(port, options.protocolVersion);
      client.sendConnect(options);
      const { reasonCode, sessionPresent } = await client.expect('connack');
      assert.equal(sessionPresent, false, '[MQTT-3.2.2-6]');
      await client.expectClose();
      return reasonCode;
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

describe('CONNECT', () => {
  it('is answered first of all [MQTT-3.2.0-1], with what the session was [MQTT-3.2.2-2] [MQTT-3.2.2-3]', async () => {
    await using scene = await open();
    const first = await scene.connect(PERSISTENT);
    assert.equal(first.connack.sessionPresent, false);
    await first.subscribe({ filter: 'a', qos: 1 });
    await first.drop();
    await using publisher = await scene.connect();
    await publisher.publish('a', 'x', { qos: 1 });
    await using second = await scene.connect(PERSISTENT);
    assert.equal(second.connack.sessionPresent, true);
    assert.equal(payloadOf(await second.receive()), 'x');
  });

  it('is timed: who the client is, and until its session is safe', async () => {
    await using scene = await open();
    await using client = await scene.connect(PERSISTENT);
    await client.expectNothing();
    const { metrics } = scene.broker.telemetry;
    assert.equal(observationsOf(metrics, STAGES.authenticate), 1);
    assert.equal(observationsOf(metrics, STAGES.openSession), 1);
  });

  it('gets a client identifier where it names none [MQTT-3.1.3-6] [MQTT-3.1.3-7], each another', async () => {
    await using scene = await open();
    await using one = await scene.connect();
    await using two = await scene.connect();
    const [first, second] = [one, two].map(({ connack }) => connack.properties.assignedClientIdentifier);
    assert.ok(first && second && first !== second);
    assert.ok(scene.broker.assembly.lifecycle.sessions.has(first));
    await using old = await scene.connect({ protocolVersion: 4 });
    assert.deepEqual(old.connack.properties, {});
  });

  it('is told what the broker offers less than the protocol does (MQTT 5 section 3.2.2.3)', async () => {
    await using scene = await open({
      'mqtt.receive_maximum': 10,
      'mqtt.max_qos': 1,
      'mqtt.retain_available': false,
      'mqtt.max_packet_size_bytes': 1000,
      'mqtt.topic_alias_maximum': 5,
      'mqtt.wildcard_subscription_available': false,
      'mqtt.subscription_identifier_available': false,
      'mqtt.shared_subscription_available': false,
      'mqtt.keep_alive_maximum_seconds': 30,
      'mqtt.session_expiry_maximum_seconds': 60,
    });
    const asked = { clientId: 'c', keepAliveSeconds: 100, properties: { sessionExpiryInterval: 100 } };
    await using client = await scene.connect(asked);
    assert.deepEqual(client.connack.properties, {
      ...{ receiveMaximum: 10, maximumQos: 1, retainAvailable: 0, maximumPacketSize: 1000, topicAliasMaximum: 5 },
      ...{ wildcardSubscriptionAvailable: 0, subscriptionIdentifierAvailable: 0, sharedSubscriptionAvailable: 0 },
      ...{ serverKeepAlive: 30, sessionExpiryInterval: 60 },
    });
  });

  it('is told nothing where the broker offers all', async () => {
    await using scene = await open({
      'mqtt.receive_maximum': 65_535,
      'mqtt.max_packet_size_bytes': 268_435_460,
      'mqtt.topic_alias_maximum': 0,
    });
    await using client = await scene.connect({ clientId: 'c', keepAliveSeconds: 100 });
    assert.deepEqual(client.connack.properties, {});
  });

  it('is recorded from its first byte to its answer', async () => {
    await using scene = await open();
    await using client = await scene.connect({ clientId: 'c', cleanStart: true });
    await client.expectNothing();
    const [span] = scene.broker.spansNamed('mqtt/connect');
    const said = attributesOf(span);
    assert.deepEqual(
      [ATTRIBUTES.mqttClientId, ATTRIBUTES.mqttProtocolVersion, ATTRIBUTES.mqttCleanSession].map((key) =>
        said.get(key),
      ),
      ['c', '5.0', true],
    );
    assert.equal(said.get(ATTRIBUTES.networkPeerAddress), '127.0.0.1');
    assert.equal(said.get(ATTRIBUTES.mqttReasonCode), ReasonCode.success);
    const [validate] = scene.broker.spansNamed('auth/validate');
    assert.deepEqual(validate?.parent, { type: 'local', spanId: span?.spanId });
    assert.equal(scene.broker.count(counterId(METRICS.requestsTotal, 'connect')), 1);
  });
});

describe('a CONNECT that is refused', () => {
  it('names an authentication method that there is not [MQTT-4.12.0-1]', async () => {
    await using scene = await open();
    const reasonCode = await scene.refusal({ properties: { authenticationMethod: 'SCRAM' } });
    assert.equal(reasonCode, ReasonCode.badAuthenticationMethod);
    const [span] = scene.broker.spansNamed('mqtt/connect');
    assert.equal(attributesOf(span).get(ATTRIBUTES.errorType), 'bad_authentication_method');
    assert.equal(scene.broker.count(counterId(METRICS.requestErrorsTotal, 'connect')), 1);
  });

  it('has a will that asks for more than is offered [MQTT-3.2.2-12] [MQTT-3.2.2-13]', async () => {
    await using scene = await open({ 'mqtt.max_qos': 0, 'mqtt.retain_available': false });
    assert.equal(await scene.refusal({ will: WILL }), ReasonCode.qosNotSupported);
    assert.equal(await scene.refusal({ will: { ...WILL, qos: 0, retain: true } }), ReasonCode.retainNotSupported);
  });

  it('has a will that its client may not publish', async () => {
    await using scene = await open();
    scene.broker.assembly.access.replace(
      compileAccessRules([{ permission: 'allow', action: 'all', topics: ['elsewhere'] }]),
    );
    assert.equal(await scene.refusal({ will: WILL }), ReasonCode.notAuthorized);
  });

  it('cannot be read, and is answered where its version has an answer [MQTT-3.1.2-2]', async () => {
    await using scene = await open();
    const connect = (level: number, flags: number) =>
      Buffer.from([0x10, 13, 0, 4, ...Buffer.from('MQTT'), level, flags, 0, 0, 0, 0, 0]);
    for (const [level, flags, reasonCode] of [
      [9, 2, ReasonCode.unsupportedProtocolVersion],
      [5, 3, ReasonCode.malformedPacket],
    ] as const) {
      await using client = await RawClient.open(scene.port, 5);
      client.sendBytes(connect(level, flags));
      assert.equal((await client.expect('connack')).reasonCode, reasonCode);
      await client.expectClose();
    }
    await using old = await RawClient.open(scene.port, 4);
    old.sendBytes(connect(4, 3));
    await old.expectClose();
    assert.equal(scene.broker.spansNamed('mqtt/connect').filter(({ failure }) => failure !== null).length, 3);
  });

  it('cannot be stored, and its client does not believe that it was', async () => {
    const memory: Placement = new MemoryPlacement();
    let isFull = false;
    const placement = replacing<Placement>(memory, {
      write: (changes, context) =>
        isFull && changes.some(({ key }) => key.startsWith(sessionRecords.prefix))
          ? Promise.reject(new Error('the disk is full'))
          : memory.write(changes, context),
    });
    await using scene = await open({}, placement);
    isFull = true;
    assert.equal(await scene.refusal(PERSISTENT), ReasonCode.unspecifiedError);
    const [span] = scene.broker.spansNamed('mqtt/connect');
    for (const event of ['connection.broken', 'connection.refused']) {
      const line = scene.broker.telemetry.logLines.find((written) => written.event === event);
      assert.deepEqual([line?.trace_id, line?.span_id], [span?.traceId, span?.spanId], event);
    }
    isFull = false;
    await using client = await scene.connect(PERSISTENT);
    await client.expectNothing();
  });
});
