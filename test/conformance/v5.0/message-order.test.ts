import assert from 'node:assert/strict';
import type { RawClient } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const TEXTS = Array.from({ length: 60 }, (_, number) => String(number));
/** As many as every server takes before it has acknowledged one. */
const AT_ONCE = 10;

/** `TEXTS` and `end`, some at a time, to the end of their handshakes. */
async function publishAll(publisher: RawClient, topic: string, qos: 0 | 1 | 2): Promise<void> {
  const rest = [...TEXTS, 'end'];
  while (rest.length > 0) {
    const sent = rest.splice(0, AT_ONCE).map((text) => publisher.sendPublish(topic, text, { qos }));
    if (qos === 1) for (const _ of sent) await publisher.expect('puback');
    if (qos !== 2) continue;
    for (const packetId of sent) {
      await publisher.take('pubrec');
      publisher.sendAck('pubrel', packetId);
    }
    for (const _ of sent) await publisher.expect('pubcomp');
  }
}

for (const qos of [0, 1, 2] as const) {
  test(`[MQTT-4.6.0-5] QoS ${qos}: every subscriber gets a client’s messages in the order they were published`, async () => {
    const topic = unique('topic');
    await using publisher = await connect();
    await using plain = await connect();
    await using wild = await connect();
    await plain.subscribe(topic);
    await wild.subscribe(`${topic}/#`);
    const [first, second] = [textsBefore(plain, 'end'), textsBefore(wild, 'end')];
    await publishAll(publisher, topic, qos);
    assert.deepEqual(await first, TEXTS);
    assert.deepEqual(await second, TEXTS);
  });

  test(`[MQTT-4.6.0-6] QoS ${qos}: no topic needs to be told to be ordered, and each is for itself`, async () => {
    const topics = [unique('topic'), `${unique('deep')}/a/b`, `$${unique('dollar')}/a`];
    await Promise.all(
      topics.map(async (topic) => {
        await using publisher = await connect();
        await using subscriber = await connect();
        await subscriber.subscribe(topic);
        const texts = textsBefore(subscriber, 'end');
        await publishAll(publisher, topic, qos);
        assert.deepEqual(await texts, TEXTS);
      }),
    );
  });
}

for (const qos of [1, 2] as const)
  test(`[MQTT-4.6.0-5] QoS ${qos}: so does one that was away, and one that lost its connection on the way`, async () => {
    const [clientId, topic] = [unique(), unique('topic')];
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 5 };
    await using first = await connect({ clientId, properties });
    await first.subscribe(topic);
    await first.disconnect();
    await using publisher = await connect();
    await publishAll(publisher, topic, qos);
    await using second = await connect({ clientId, properties, cleanStart: false });
    for (const text of TEXTS.slice(0, 5)) assert.equal(await second.expectPayload(), text);
    await second.drop();
    await using third = await connect({ clientId, properties, cleanStart: false });
    assert.deepEqual(await textsBefore(third, 'end'), TEXTS);
  });
