import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { publishPacket } from '../../support/raw-client.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, frameOf } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');

for (const qos of [1, 2] as const) {
  test(`[MQTT-3.3.1-1] QoS ${qos}: what is sent again says so, and the first time does not`, async () => {
    const [clientId, topic] = [unique(), unique('topic')];
    const properties = { sessionExpiryInterval: 60 };
    await using before = await connect({ clientId, properties });
    await before.subscribe(topic);
    await before.publish(topic, 'message', { qos });
    const first = await before.expect('publish');
    await before.drop();
    await using after = await connect({ clientId, properties, cleanStart: false });
    const again = await after.expect('publish');
    assert.deepEqual([first.duplicate, again.duplicate], [false, true]);
    assert.equal(again.packetId, first.packetId);
  });

  test(`[MQTT-3.3.1-3] QoS ${qos}: the publisher's DUP flag does not reach subscribers`, async () => {
    const topic = unique('topic');
    await using subscriber = await connect();
    await using publisher = await connect();
    await subscriber.subscribe(topic);
    await publisher.publish(topic, 'message', { qos, duplicate: true });
    assert.equal((await subscriber.expect('publish')).duplicate, false);
  });
}

test('[MQTT-3.3.1-2] a QoS 0 message has no DUP flag, although the one it was made of had', async () => {
  const topic = unique('topic');
  await using subscriber = await connect();
  await using publisher = await connect();
  await subscriber.subscribe({ filter: topic, qos: 0 });
  for (const qos of [1, 2] as const) {
    await publisher.publish(topic, 'message', { qos, duplicate: true, retain: true });
    const packet = await subscriber.expect('publish');
    assert.deepEqual([packet.qos, packet.duplicate], [0, false]);
  }
  await using late = await connect();
  await late.subscribe({ filter: topic, qos: 0 });
  assert.equal((await late.expect('publish')).duplicate, false);
});

test('[MQTT-3.3.1-4] a PUBLISH with QoS 3 ends the connection', async () => {
  await using client = await connect();
  const frame = frameOf(
    client,
    publishPacket(unique('topic'), 'message', { qos: 2 }, () => 1),
  );
  frame[0]! |= 0b0110;
  client.sendBytes(frame);
  await expectRefusal(client, ReasonCode.malformedPacket, ReasonCode.protocolError);
});
