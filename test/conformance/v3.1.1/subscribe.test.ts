import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf } from '../../support/raw-client.ts';
import { field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('3.1.1');

test('[MQTT-3.8.3-3] a SUBSCRIBE without a filter ends the connection', async () => {
  await using client = await connect();
  client.sendBytes(frame(0x82, 0, 1));
  await client.expectClose();
});

for (const options of [0x03, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xfe])
  test(`[MQTT-3.8.3-4] a SUBSCRIBE with the options ${options.toString(2).padStart(8, '0')} is malformed`, async () => {
    await using client = await connect();
    client.sendBytes(frame(0x82, 0, 1, field('filter'), options));
    await client.expectClose();
  });

test('[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] SUBACK answers with the identifier and one code a filter', async () => {
  await using client = await connect();
  const filters = [unique('topic'), unique('topic'), unique('topic')];
  client.sendBytes(frame(0x82, 0x12, 0x34, ...filters.flatMap((filter, qos) => [field(filter), qos])));
  const { packetId, reasonCodes } = await client.expect('suback');
  assert.equal(packetId, 0x1234);
  assert.equal(reasonCodes.length, 3);
  assert(reasonCodes.every((code, qos) => code <= qos || code === ReasonCode.unspecifiedError));
});

test('[MQTT-3.8.4-3] an identical filter takes the place of the subscription: its QoS holds, one copy comes', async () => {
  const topic = unique('topic');
  await using client = await connect();
  for (const qos of [0, 2, 1] as const) {
    await client.subscribe({ filter: topic, qos });
    await client.publish(topic, `at ${qos}`, { qos: 2 });
    const packet = await client.receive();
    assert.deepEqual([payloadOf(packet), packet.qos], [`at ${qos}`, qos]);
  }
  await client.expectNothing();
});

test('[MQTT-3.8.4-3] an identical filter brings the retained messages again', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.publish(topic, 'kept', { qos: 1, retain: true });
  for (let count = 0; count < 2; count++) {
    await client.subscribe(topic);
    const packet = await client.receive();
    assert.deepEqual([payloadOf(packet), packet.retain], ['kept', true]);
  }
});

test('[MQTT-3.8.4-3] no message is lost while a subscription is replaced', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await using publisher = await connect();
  await client.subscribe({ filter: topic, qos: 1 });
  const numbers = Array.from({ length: 50 }, (_, number) => String(number));
  for (const number of numbers) {
    publisher.sendPublish(topic, number, { qos: 1 });
    client.send({
      type: 'subscribe',
      packetId: client.nextPacketId(),
      subscriptions: [{ filter: topic, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
      properties: {},
    });
  }
  for (const number of numbers) {
    const packet = await client.take('publish');
    assert.equal(payloadOf(packet), number);
    client.sendAck('puback', packet.packetId);
  }
});

test('[MQTT-3.8.4-4] several filters in one packet do what several packets do', async () => {
  const [first, second] = [unique('topic'), unique('topic')];
  await using client = await connect();
  await client.publish(first, 'kept', { qos: 1, retain: true });
  await client.subscribe([{ filter: first, qos: 0 }, second, { filter: first, qos: 1 }]);
  await client.publish(second, 'end', { qos: 1 });
  assert.deepEqual(new Set(await textsBefore(client, 'end')), new Set(['kept']));
  // The last of two that are identical holds.
  await client.publish(first, 'again', { qos: 1 });
  assert.equal((await client.take('publish')).qos, 1);
});

test('[MQTT-3.8.4-6] a message comes at the lower of its own QoS and that of the subscription', async () => {
  const received: number[][] = [];
  for (const granted of [0, 1, 2] as const) {
    const topic = unique('topic');
    await using client = await connect();
    const { reasonCodes } = await client.subscribe({ filter: topic, qos: granted });
    const row: number[] = [];
    for (const qos of [0, 1, 2] as const) {
      await client.publish(topic, 'message', { qos });
      row.push((await client.receive()).qos - Math.min(qos, reasonCodes[0]!));
    }
    received.push(row);
  }
  assert.deepEqual(received, Array(3).fill([0, 0, 0]));
});

test('[MQTT-3.9.3-1] the codes of a SUBACK are in the order of the filters', async () => {
  const filters = [2, 0, 1, 1, 0, 2].map((qos) => ({ filter: unique('topic'), qos }) as const);
  await using client = await connect();
  client.sendBytes(frame(0x82, 0, 1, ...filters.flatMap(({ filter, qos }) => [field(filter), qos])));
  const { reasonCodes } = await client.expect('suback');
  assert.deepEqual(
    reasonCodes,
    filters.map(({ qos }) => qos),
  );
});

test('[MQTT-3.9.3-2] [MQTT-4.7.1-2] a SUBACK has no codes but 0, 1, 2 and 0x80, also for what the server refuses', async () => {
  await using client = await connect();
  const topic = unique('topic');
  client.sendBytes(frame(0x82, 0, 1, field(topic), 2));
  await client.expect('suback');
  // This may be refused with the whole connection, which says nothing wrong either.
  client.sendBytes(frame(0x82, 0, 2, field(`${topic}/#/a`), 2));
  const packet = await nextOrEnd(client);
  if (packet === undefined) return;
  assert(packet.type === 'suback' && packet.reasonCodes[0] === ReasonCode.unspecifiedError);
});

test('[MQTT-3.3.5-1] subscriptions that overlap: the message comes at the highest QoS of them', async () => {
  const topic = unique('topic');
  await using client = await connect();
  await client.subscribe([
    { filter: `${topic}/#`, qos: 0 },
    { filter: `${topic}/+`, qos: 2 },
    { filter: `${topic}/a`, qos: 1 },
  ]);
  await client.publish(`${topic}/a`, 'message', { qos: 2 });
  await client.publish(topic, 'end', { qos: 2 });
  const highest: number[] = [];
  for (;;) {
    const packet = await client.take('publish');
    if (payloadOf(packet) === 'end') break;
    highest.push(packet.qos);
  }
  assert.equal(Math.max(...highest), 2);
});
