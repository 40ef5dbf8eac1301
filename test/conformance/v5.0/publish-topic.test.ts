import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { publishPacket } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const NO_REASON_OF_ITS_OWN = [ReasonCode.malformedPacket, ReasonCode.protocolError, ReasonCode.topicNameInvalid];

for (const [what, bytes] of [
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['an overlong character', [0xc0, 0xaf, 0x61]],
  ['half a character', [0x61, 0x62, 0xc3]],
] as const)
  test(`[MQTT-3.3.2-1] a topic name with ${what} ends the connection`, async () => {
    await using client = await connect();
    const packet = publishPacket('xxx', 'message', {}, () => 0);
    const frame = frameOf(client, packet);
    frame.set(bytes, frame.indexOf('xxx'));
    client.sendBytes(frame);
    await expectRefusal(client, ...NO_REASON_OF_ITS_OWN);
  });

test('[MQTT-3.3.2-1] topic names arrive as they were sent, whatever their characters', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe(`${topic}/#`);
  for (const level of ['ascii', 'größe', '温度', '🌡', ' ', '\u{feff}x', '\u{10fffd}']) {
    await client.publish(`${topic}/${level}`, 'message', { qos: 1 });
    assert.equal((await client.expect('publish')).topic, `${topic}/${level}`);
  }
});

for (const wildcard of ['+', '#', 'a+', '#/a'])
  test(`[MQTT-3.3.2-2] nobody gets a message to ${wildcard}, and its publisher is turned away`, async () => {
    const topic = unique('topic');
    await using subscriber = await connect();
    await subscriber.subscribe(`${topic}/#`);
    await using publisher = await connect();
    publisher.sendPublish(`${topic}/${wildcard}`, 'message');
    await expectRefusal(publisher, ...NO_REASON_OF_ITS_OWN);
    await subscriber.publish(`${topic}/end`, 'end', { qos: 1 });
    assert.equal((await subscriber.expect('publish')).topic, `${topic}/end`);
  });

test('[MQTT-3.3.2-3] a message comes under the topic it was published to, whatever the filter', async () => {
  const topic = unique('topic');
  for (const filter of [`${topic}/a/b`, `${topic}/+/b`, `${topic}/#`, `$share/group/${topic}/a/+`]) {
    await using client = await connect();
    await client.subscribe(filter);
    for (const qos of [0, 1, 2] as const) {
      await client.publish(`${topic}/a/b`, 'message', { qos });
      assert.equal((await client.receive()).topic, `${topic}/a/b`);
    }
  }
});
