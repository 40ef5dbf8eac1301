import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { type ConnectOptions, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const ALLOWED = `
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["open/#"]
`;

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start({ 'mqtt.response_information': 'reply/%c/' }, ALLOWED);
});
after(() => broker[Symbol.asyncDispose]());

const client = (properties: ConnectOptions['properties'] = {}) =>
  RawClient.connect({ port: broker.port, clientId: 'taker', properties });

/** What the broker says with each kind of refusal. */
async function refusals(taker: RawClient): Promise<Record<string, string | undefined>> {
  taker.sendPublish('closed', 'x', { qos: 1 });
  const puback = await taker.expect('puback');
  taker.sendPublish('closed', 'x', { qos: 2 });
  const pubrec = await taker.expect('pubrec');
  assert.deepEqual([puback.reasonCode, pubrec.reasonCode], [ReasonCode.notAuthorized, ReasonCode.notAuthorized]);
  const suback = await taker.subscribe(['open/a', 'closed/a']);
  assert.deepEqual(suback.reasonCodes, [ReasonCode.grantedQos2, ReasonCode.notAuthorized]);
  const unsuback = await taker.unsubscribe('never');
  taker.sendAck('pubrel', 77);
  const pubcomp = await taker.expect('pubcomp');
  taker.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
  const disconnect = await taker.expect('disconnect');
  assert.equal(disconnect.reasonCode, ReasonCode.protocolError);
  const said = { puback, pubrec, suback, unsuback, pubcomp, disconnect };
  return Object.fromEntries(Object.entries(said).map(([type, { properties }]) => [type, properties.reasonString]));
}

describe('a refusal', () => {
  it('says why, to clients that do not mind', async () => {
    await using taker = await client();
    const notAllowed = 'the client may not do this';
    assert.deepEqual(await refusals(taker), {
      puback: notAllowed,
      pubrec: notAllowed,
      suback: notAllowed,
      unsuback: undefined,
      pubcomp: undefined,
      disconnect: 'a packet was out of place or contradicted the protocol',
    });
  });

  for (const [what, properties] of [
    ['that does not want to know [MQTT-3.1.2-29]', { requestProblemInformation: 0 }],
    [
      'that takes no packet so large [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.9.2-1] [MQTT-3.14.2-3]',
      { maximumPacketSize: 30 },
    ],
  ] as const)
    it(`only has its code for a client ${what}`, async () => {
      await using taker = await client(properties);
      assert.deepEqual(new Set(Object.values(await refusals(taker))), new Set([undefined]));
    });

  it('of a connection says why, if that fits [MQTT-3.2.2-19]', async () => {
    const refused = async (properties: ConnectOptions['properties']) => {
      await using taker = await RawClient.open(broker.port);
      const will = { topic: 'closed', payload: Buffer.from('x'), qos: 0 as const, retain: false, properties: {} };
      taker.sendConnect({ will, properties: properties ?? {} });
      const connack = await taker.expect('connack');
      await taker.expectClose();
      assert.equal(connack.reasonCode, ReasonCode.notAuthorized);
      return connack.properties.reasonString;
    };
    assert.equal(await refused({}), 'no rule allows publishing the will');
    assert.equal(await refused({ requestProblemInformation: 0 }), undefined);
    assert.equal(await refused({ maximumPacketSize: 20 }), undefined);
  });
});

describe('an answer that is larger than the client takes [MQTT-3.1.2-24]', () => {
  it('is not sent, and the connection goes on', async () => {
    await using taker = await RawClient.connect({
      port: broker.port,
      clientId: 'c',
      properties: { maximumPacketSize: 30 },
    });
    const filters = Array.from({ length: 30 }, (_, index) => `open/${index}`);
    const subscriptions = filters.map((filter) => ({
      ...{ filter, qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const },
    }));
    taker.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
    taker.send({ type: 'unsubscribe', packetId: 2, filters, properties: {} });
    await taker.expectNothing();
  });

  it('ends the connection where it is the CONNACK', async () => {
    await using taker = await RawClient.open(broker.port);
    taker.sendConnect({ properties: { maximumPacketSize: 10 } });
    await taker.expectClose();
  });
});

describe('response information', () => {
  it('is for clients that ask for it [MQTT-3.1.2-28], with their identifier in it', async () => {
    const given = async (clientId: string, properties: ConnectOptions['properties']) => {
      await using asking = await RawClient.connect({ port: broker.port, clientId, properties: properties ?? {} });
      return asking.connack.properties;
    };
    assert.equal((await given('$&', { requestResponseInformation: 1 })).responseInformation, 'reply/$&/');
    assert.equal((await given('c', { requestResponseInformation: 0 })).responseInformation, undefined);
    assert.equal((await given('c', {})).responseInformation, undefined);
    const { assignedClientIdentifier, responseInformation } = await given('', { requestResponseInformation: 1 });
    assert.equal(responseInformation, `reply/${assignedClientIdentifier}/`);
  });
});

describe('MQTT 3.1', () => {
  it('is served as 3.1.1, with client identifiers longer than its 23 characters', async () => {
    await using old = await RawClient.connect({ port: broker.port, protocolVersion: 3, clientId: 'x'.repeat(60) });
    await old.subscribe('open/a');
    old.sendPublish('open/a', 'x');
    assert.equal((await old.expect('publish')).topic, 'open/a');
  });

  it('has no empty client identifier', async () => {
    await using old = await RawClient.open(broker.port, 3);
    old.sendConnect({ clientId: '' });
    assert.equal((await old.expect('connack')).reasonCode, ReasonCode.clientIdentifierNotValid);
    await old.expectClose();
  });
});
