import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { payloadOf, RawClient } from '../../support/raw-client.ts';
import { TestBroker } from '../../support/test-broker.ts';
import { TARGET_VARIABLE } from '../support/conformance.ts';

const skip = process.env[TARGET_VARIABLE] !== undefined && 'restarts its own broker';
const identity = { clientId: 'client', properties: { sessionExpiryInterval: 600 } };

/** A message of this QoS on its way to a client, and the broker about to restart. */
async function underWay(qos: 1 | 2): Promise<{ broker: TestBroker; client: RawClient; packetId: number }> {
  const broker = await TestBroker.start({ 'telemetry.enable': false });
  const client = await RawClient.connect({ port: broker.port, ...identity });
  await client.subscribe('topic');
  await client.publish('topic', 'message', { qos });
  const { packetId } = await client.expect('publish');
  return { broker, client, packetId };
}

function again(broker: TestBroker): ReturnType<typeof RawClient.connect> {
  return RawClient.connect({ port: broker.port, ...identity, cleanStart: false });
}

void describe('after a restart of the server', { concurrency: true, skip }, () => {
  for (const [name, qos] of [
    ['[MQTT-3.3.1-1] [MQTT-4.3.2-3] [MQTT-4.4.0-1] what has no PUBACK is sent again after a restart', 1],
    ['[MQTT-3.3.1-1] [MQTT-4.3.3-3] [MQTT-4.4.0-1] what has no PUBREC is sent again after a restart', 2],
  ] as const)
    test(`${name}, under its identifier, with DUP`, async () => {
      const { broker, packetId } = await underWay(qos);
      await using _ = broker;
      await broker.restart();
      await using client = await again(broker);
      const packet = await client.receive();
      assert.deepEqual([payloadOf(packet), packet.packetId, packet.duplicate], ['message', packetId, true]);
      await client.expectNothing();
    });

  test('[MQTT-4.3.3-5] [MQTT-4.3.3-6] what has no PUBCOMP is released again and not sent', async () => {
    const { broker, client, packetId } = await underWay(2);
    await using _ = broker;
    client.sendAck('pubrec', packetId);
    await client.expect('pubrel');
    await broker.restart();
    await using after = await again(broker);
    assert.equal((await after.expect('pubrel')).packetId, packetId);
    await after.expectNothing();
  });

  test('[MQTT-4.3.3-10] a repeated QoS 2 PUBLISH is still known, and delivered once', async () => {
    await using broker = await TestBroker.start({ 'telemetry.enable': false });
    await using publisher = await RawClient.connect({ port: broker.port, ...identity });
    await publisher.subscribe('topic');
    publisher.sendPublish('topic', 'once', { qos: 2, packetId: 5 });
    await publisher.take('pubrec');
    await broker.restart();
    await using after = await again(broker);
    after.sendPublish('topic', 'once', { qos: 2, packetId: 5, duplicate: true });
    assert.equal((await after.take('pubrec')).packetId, 5);
    after.sendAck('pubrel', 5);
    await after.take('pubcomp');
    assert.equal(payloadOf(await after.receive()), 'once');
    await after.expectNothing();
  });

  test('[MQTT-4.5.0-1] a session is still there, with what was published for it', async () => {
    await using broker = await TestBroker.start({ 'telemetry.enable': false });
    await using subscriber = await RawClient.connect({ port: broker.port, ...identity });
    await subscriber.subscribe('topic');
    await subscriber.disconnect();
    await using publisher = await RawClient.connect({ port: broker.port });
    for (const qos of [1, 2] as const) await publisher.publish('topic', String(qos), { qos });
    await broker.restart();
    await using after = await again(broker);
    assert.equal(after.connack.sessionPresent, true);
    for (const text of ['1', '2']) assert.equal(payloadOf(await after.receive()), text);
  });
});
