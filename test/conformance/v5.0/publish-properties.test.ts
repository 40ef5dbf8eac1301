import assert from 'node:assert/strict';
import type { PropertiesOf } from '../../../src/mqtt/property.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { publishPacket } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
type MessageProperties = PropertiesOf<'publish'>;

/**
 * The properties that a message with these reaches each kind of subscriber with: of QoS 0, 1 and 2, in a shared
 * subscription, absent at the time, and coming later for the retained message.
 */
async function received(properties: MessageProperties): Promise<MessageProperties[]> {
  const topic = unique('topic');
  const absent = { clientId: unique(), properties: { sessionExpiryInterval: 60 } };
  await using leaver = await connect(absent);
  await leaver.subscribe(topic);
  await leaver.disconnect();
  await using client = await connect();
  const arrived: MessageProperties[] = [];
  for (const [filter, qos] of [
    [topic, 0],
    [`${topic}/#`, 1],
    [topic, 2],
    [`$share/group/${topic}`, 1],
  ] as const) {
    await using subscriber = await connect();
    await subscriber.subscribe({ filter, qos });
    await client.publish(topic, 'message', { qos: 2, retain: true, properties });
    arrived.push((await subscriber.expect('publish')).properties);
  }
  await using back = await connect({ ...absent, cleanStart: false });
  arrived.push((await back.expect('publish')).properties);
  await using late = await connect();
  await late.subscribe(topic);
  arrived.push((await late.expect('publish')).properties);
  return arrived;
}

const USER_PROPERTIES = [
  ['z', 'first'],
  ['a', 'second'],
  ['z', 'third'],
  ['', ''],
  ['größe', '🌡'],
] as const;

for (const [name, properties] of [
  ['[MQTT-3.3.2-4] the payload format indicator reaches every subscriber unaltered', { payloadFormatIndicator: 1 }],
  ['[MQTT-3.3.2-15] the response topic reaches every subscriber unaltered', { responseTopic: 'answers/größe' }],
  [
    '[MQTT-3.3.2-16] the correlation data reach every subscriber unaltered',
    { correlationData: Buffer.from([0, 0xff, 0x80, 0]) },
  ],
  [
    '[MQTT-3.3.2-17] [MQTT-3.3.2-18] user properties reach every subscriber, each and in their order',
    { userProperties: USER_PROPERTIES },
  ],
  ['[MQTT-3.3.2-20] the content type reaches every subscriber unaltered', { contentType: 'text/größe; 🌡' }],
] as const)
  test(name, async () => {
    const [key, value] = Object.entries(properties)[0] as [keyof MessageProperties, unknown];
    for (const arrived of await received(properties)) assert.deepEqual(plain(arrived[key]), plain(value));
  });

/** Bytes compare as bytes, whichever class holds them. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

for (const [name, properties] of [
  ['[MQTT-3.3.2-13] a response topic that is not UTF-8 ends the connection', { responseTopic: 'xxx' }],
  ['[MQTT-3.3.2-19] a content type that is not UTF-8 ends the connection', { contentType: 'xxx' }],
] as const)
  test(name, async () => {
    await using client = await connect();
    const frame = frameOf(
      client,
      publishPacket(unique('topic'), 'message', { properties }, () => 0),
    );
    frame.set([0xed, 0xa0, 0x80], frame.indexOf('xxx'));
    client.sendBytes(frame);
    await expectRefusal(client, ReasonCode.malformedPacket, ReasonCode.protocolError);
  });

for (const responseTopic of ['answers/+', 'answers/#'])
  test(`[MQTT-3.3.2-14] a message with ${responseTopic} as response topic is refused, and nobody gets it`, async () => {
    const topic = unique('topic');
    await using subscriber = await connect();
    await subscriber.subscribe(topic);
    await using publisher = await connect();
    publisher.sendPublish(topic, 'message', { properties: { responseTopic } });
    await expectRefusal(
      publisher,
      ...[ReasonCode.malformedPacket, ReasonCode.protocolError, ReasonCode.topicNameInvalid],
    );
    await subscriber.publish(topic, 'end', { qos: 1 });
    assert.equal(await subscriber.expectPayload(), 'end');
  });
