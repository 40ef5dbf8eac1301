import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { payloadOf, RawClient } from '../../../test/support/raw-client.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { compileAccessRules } from '../auth/authorizer.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';

async function open(settings: Parameters<typeof BrokerUnderTest.start>[0] = {}) {
  const broker = await BrokerUnderTest.start(settings);
  const port = await broker.listen();
  const client = await RawClient.connect({ port, clientId: 'c' });
  return {
    broker,
    client,
    subscriber: async (filter: string) => {
      const subscriber = await RawClient.connect({ port });
      await subscriber.subscribe(filter);
      return subscriber;
    },
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

describe('a PUBLISH that is not taken', () => {
  for (const [what, settings, topic, options, reasonCode] of [
    ['a higher QoS than offered [MQTT-3.2.2-11]', { 'mqtt.max_qos': 1 }, 'a', { qos: 2 }, 'qosNotSupported'],
    [
      'a retain flag where none is offered [MQTT-3.2.2-14]',
      { 'mqtt.retain_available': false },
      'a',
      { retain: true },
      'retainNotSupported',
    ],
    ['a topic with wildcards [MQTT-3.3.2-2]', {}, 'a/+', {}, 'topicNameInvalid'],
    ['more levels than allowed', { 'mqtt.max_topic_levels': 2 }, 'a/b/c', {}, 'topicNameInvalid'],
    ['a longer topic than allowed', { 'mqtt.max_topic_bytes': 4 }, 'abcde', {}, 'topicNameInvalid'],
    [
      'an alias beyond those offered [MQTT-3.3.2-9]',
      { 'mqtt.topic_alias_maximum': 2 },
      'a',
      { properties: { topicAlias: 3 } },
      'topicAliasInvalid',
    ],
    ['an alias that names nothing', {}, '', { properties: { topicAlias: 1 } }, 'protocolError'],
  ] as const)
    it(`ends the connection with the reason: ${what}`, async () => {
      await using scene = await open(settings);
      scene.client.sendPublish(topic, 'x', options);
      await scene.client.expectDisconnect(ReasonCode[reasonCode]);
    });

  it('is counted where it hit a limit', async () => {
    await using scene = await open({ 'mqtt.max_topic_levels': 2, 'mqtt.topic_alias_maximum': 0 });
    scene.client.sendPublish('a/b', 'fits');
    scene.client.sendPublish('a/b/c', 'does not');
    await scene.client.expectDisconnect(ReasonCode.topicNameInvalid);
    assert.equal(scene.broker.count(counterId(METRICS.limitsHitTotal, 'topic_levels')), 1);
  });
});

describe('a topic alias', () => {
  it('stands for the topic it was last given with [MQTT-3.3.2-12], on its connection alone', async () => {
    await using scene = await open();
    await using subscriber = await scene.subscriber('#');
    const publish = (topic: string, text: string, topicAlias: number) =>
      scene.client.sendPublish(topic, text, { properties: { topicAlias } });
    publish('first', '1', 1);
    publish('', '2', 1);
    publish('second', '3', 1);
    publish('other', '4', 2);
    publish('', '5', 1);
    const got: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const message = await subscriber.expect('publish');
      assert.equal(message.properties.topicAlias, undefined, 'an alias is not passed on');
      got.push(`${message.topic} ${payloadOf(message)}`);
    }
    assert.deepEqual(got, ['first 1', 'first 2', 'second 3', 'other 4', 'second 5']);
  });

  it('is still known for the messages behind it when it came with a message that was refused', async () => {
    await using scene = await open();
    await using subscriber = await scene.subscriber('#');
    const { access } = scene.broker.assembly;
    access.replace(compileAccessRules([{ permission: 'deny', action: 'publish', topics: ['a'] }]));
    scene.client.sendPublish('a', 'refused', { qos: 1, properties: { topicAlias: 1 } });
    await scene.client.expect('puback');
    access.replace(compileAccessRules([]));
    scene.client.sendPublish('', 'taken', { properties: { topicAlias: 1 } });
    assert.equal((await subscriber.expect('publish')).topic, 'a');
  });
});

describe('what is passed on', () => {
  it('is every property as it was [MQTT-3.3.2-17] [MQTT-3.3.2-20], but those of the hop', async () => {
    await using scene = await open();
    await using subscriber = await scene.subscriber('#');
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'answer',
      correlationData: new Uint8Array([1, 2]),
      userProperties: [
        ['traceparent', '00-11111111111111111111111111111111-2222222222222222-00'],
        ['b', '2'],
        ['b', '2'],
      ] as const,
    };
    scene.client.sendPublish('a', 'x', { properties: { ...properties, topicAlias: 1, messageExpiryInterval: 60 } });
    const message = await subscriber.expect('publish');
    assert.deepEqual(message.properties, { ...properties, messageExpiryInterval: 60 });
  });
});

describe('the question whether a client may publish', () => {
  it('is answered from memory while it publishes to one topic, until the rules change', async () => {
    await using scene = await open();
    const publish = async () => scene.client.publish('a', 'x', { qos: 1 });
    const cached = () =>
      scene.broker.spansNamed('topic/authorize').map((span) => attributesOf(span).get(ATTRIBUTES.authCached));
    await publish();
    await publish();
    assert.deepEqual(cached(), [false, true]);
    await scene.client.publish('b', 'x', { qos: 1 });
    await publish();
    assert.deepEqual(cached(), [false, true, false, false]);
    scene.broker.assembly.access.replace(
      compileAccessRules([{ permission: 'deny', action: 'publish', topics: ['a'] }]),
    );
    assert.equal(await publish(), ReasonCode.notAuthorized);
  });
});
