import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import type { ConnectOptions } from '../support/raw-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

const will = { topic: 'w', payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;

async function refusalOf(broker: TestBroker, options: Omit<ConnectOptions, 'port'>): Promise<ReasonCode> {
  await using client = await RawClient.open(broker.port, options.protocolVersion);
  client.sendConnect(options);
  const { reasonCode } = await client.expect('connack');
  await client.expectClose();
  return reasonCode;
}

describe('what the broker does not offer', () => {
  test('a QoS above the maximum: said in CONNACK, granted less, refused in PUBLISH and will', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_qos': 1 });
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.maximumQos, 1);
    assert.deepEqual((await client.subscribe({ filter: 'a', qos: 2 })).reasonCodes, [1]);
    assert.equal(await refusalOf(broker, { will: { ...will, qos: 2 } }), ReasonCode.qosNotSupported);
    client.sendPublish('a', 'x', { qos: 2 });
    await client.expectDisconnect(ReasonCode.qosNotSupported);
  });

  test('retained messages: said in CONNACK, refused in PUBLISH and will', async () => {
    await using broker = await TestBroker.start({ 'mqtt.retain_available': false });
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.retainAvailable, 0);
    assert.equal(await refusalOf(broker, { will: { ...will, retain: true } }), ReasonCode.retainNotSupported);
    client.sendPublish('a', 'x', { retain: true });
    await client.expectDisconnect(ReasonCode.retainNotSupported);
  });

  for (const [key, property, filter, reasonCode] of [
    ['wildcard', 'wildcardSubscriptionAvailable', 'a/+', ReasonCode.wildcardSubscriptionsNotSupported],
    ['shared', 'sharedSubscriptionAvailable', '$share/g/a', ReasonCode.sharedSubscriptionsNotSupported],
  ] as const)
    test(`${key} subscriptions: said in CONNACK, refused in SUBACK, others granted`, async () => {
      await using broker = await TestBroker.start({ [`mqtt.${key}_subscription_available`]: false });
      await using client = await RawClient.connect({ port: broker.port });
      assert.equal(client.connack.properties[property], 0);
      assert.deepEqual((await client.subscribe([filter, 'a'])).reasonCodes, [reasonCode, 2]);
      await using old = await RawClient.connect({ port: broker.port, protocolVersion: 4 });
      assert.deepEqual((await old.subscribe([filter, 'a'])).reasonCodes, [ReasonCode.unspecifiedError, 2]);
    });

  test('subscription identifiers: said in CONNACK, refused in SUBACK', async () => {
    await using broker = await TestBroker.start({ 'mqtt.subscription_identifier_available': false });
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.subscriptionIdentifierAvailable, 0);
    const { reasonCodes } = await client.subscribe('a', { subscriptionIdentifier: 1 });
    assert.deepEqual(reasonCodes, [ReasonCode.subscriptionIdentifiersNotSupported]);
  });

  test('topic aliases: none named in CONNACK, any refused', async () => {
    await using broker = await TestBroker.start({ 'mqtt.topic_alias_maximum': 0 });
    await using client = await RawClient.connect({ port: broker.port });
    assert.equal(client.connack.properties.topicAliasMaximum, undefined);
    client.sendPublish('a', 'x', { properties: { topicAlias: 1 } });
    await client.expectDisconnect(ReasonCode.topicAliasInvalid);
  });

  test('enhanced authentication: refused with 0x8C, AUTH out of place with 0x82', async () => {
    await using broker = await TestBroker.start();
    const properties = { authenticationMethod: 'SCRAM-SHA-256' };
    assert.equal(await refusalOf(broker, { properties }), ReasonCode.badAuthenticationMethod);
    await using client = await RawClient.connect({ port: broker.port });
    client.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties });
    await client.expectDisconnect(ReasonCode.protocolError);
  });
});
