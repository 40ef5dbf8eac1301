import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { bytes, connectFrame, field, frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('3.1.1');

/** The server closes, having said nothing: there is no return code for what does not conform. */
async function endsSilently(...packets: Uint8Array[]): Promise<void> {
  await using client = await open();
  client.sendBytes(bytes(...packets));
  await client.expectClose();
}

async function accepts(packet: Uint8Array): Promise<void> {
  await using client = await open();
  client.sendBytes(packet);
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
}

for (const [packet, sent] of Object.entries({
  PINGREQ: frame(0xc0),
  PUBLISH: frame(0x30, field('topic'), 'payload'),
  SUBSCRIBE: frame(0x82, 0, 1, field('filter'), 0),
  DISCONNECT: frame(0xe0),
}))
  test(`[MQTT-3.1.0-1] before CONNECT, ${packet} ends the connection`, () => endsSilently(sent));

test('[MQTT-3.1.0-2] a second CONNECT ends the connection', async () => {
  await using client = await connect();
  client.sendConnect({ clientId: unique('c') });
  await client.expectClose();
});

for (const name of ['MQTX', 'mqtt', 'HTTP'])
  test(`[MQTT-3.1.2-1] a client that speaks ${name} is not served as one of MQTT`, async () => {
    await using client = await open();
    client.sendBytes(connectFrame({ name }, unique('c')));
    const packet = await nextOrEnd(client);
    if (packet !== undefined) assert(packet.type === 'connack' && packet.reasonCode !== ReasonCode.success);
    await client.expectClose();
  });

// Levels above its own a server of later versions may answer in the form of those.
for (const level of [0, 1, 2])
  test(`[MQTT-3.1.2-2] protocol level ${level} is answered with return code 1, and the end`, async () => {
    await using client = await open();
    client.sendBytes(connectFrame({ level }, unique('c')));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.unsupportedProtocolVersion);
    await client.expectClose();
  });

test('[MQTT-3.1.2-3] [MQTT-3.1.4-1] the reserved flag must be 0', () =>
  endsSilently(connectFrame({ flags: 0x03 }, unique('c'))));

for (const [what, sent] of Object.entries({
  'neither topic nor message': connectFrame({ flags: 0x06 }, 'c'),
  'no message': connectFrame({ flags: 0x06 }, 'c', 'will'),
}))
  test(`[MQTT-3.1.2-9] [MQTT-3.1.4-1] a will flag with ${what} is refused`, () => endsSilently(sent));

test('[MQTT-3.1.2-11] [MQTT-3.1.4-1] a will without its flag is refused', () =>
  endsSilently(connectFrame({ flags: 0x02 }, 'c', 'will', 'payload')));

for (const flags of [0x0a, 0x12, 0x1a])
  test(`[MQTT-3.1.2-11] [MQTT-3.1.2-13] no will, but the QoS of one (flags ${flags.toString(2)})`, () =>
    endsSilently(connectFrame({ flags }, 'c')));

test('[MQTT-3.1.2-14] [MQTT-3.1.4-1] there is no will QoS 3', () =>
  endsSilently(connectFrame({ flags: 0x1e }, 'c', 'will', 'payload')));

test('[MQTT-3.1.2-11] [MQTT-3.1.2-15] no will, but it is to be retained', () =>
  endsSilently(connectFrame({ flags: 0x22 }, 'c')));

test('[MQTT-3.1.2-18] [MQTT-3.1.4-1] a user name without its flag is refused', () =>
  endsSilently(connectFrame({ flags: 0x02 }, 'c', 'user')));

test('[MQTT-3.1.2-19] [MQTT-3.1.4-1] a user name flag without a user name is refused', () =>
  endsSilently(connectFrame({ flags: 0x82 }, 'c')));

test('[MQTT-3.1.2-20] [MQTT-3.1.4-1] a password without its flag is refused', () =>
  endsSilently(connectFrame({ flags: 0x82 }, 'c', 'user', 'password')));

test('[MQTT-3.1.2-21] [MQTT-3.1.4-1] a password flag without a password is refused', () =>
  endsSilently(connectFrame({ flags: 0xc2 }, 'c', 'user')));

test('[MQTT-3.1.2-22] [MQTT-3.1.4-1] a password without a user name is refused', () =>
  endsSilently(connectFrame({ flags: 0x42 }, 'c', 'password')));

test('[MQTT-3.1.3-1] the fields are read in their order', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await open();
  client.sendBytes(connectFrame({ flags: 0xc6 }, clientId, topic, 'payload', 'user', 'password'));
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
  await client.drop();
  assert.equal(await watcher.expectPayload(), 'payload');
});

test('[MQTT-3.1.3-3] a CONNECT without a client identifier field is refused', () => endsSilently(connectFrame({})));

test('[MQTT-3.1.3-5] client identifiers of 1 to 23 letters and digits are taken', async () => {
  const every = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const clientIds = ['Q', every.slice(0, 23), every.slice(23, 46), every.slice(39)];
  await Promise.all(clientIds.map((clientId) => accepts(connectFrame({}, clientId))));
});

test('[MQTT-3.1.3-6] clients without an identifier get one each, and are served', async () => {
  const topic = unique('topic');
  await using first = await connect({ clientId: '' });
  await using second = await connect({ clientId: '' });
  await first.subscribe(topic);
  await second.publish(topic, 'message', { qos: 1 });
  assert.equal(await first.expectPayload(), 'message');
});

test('[MQTT-3.1.3-7] [MQTT-3.1.3-8] no identifier and a session to keep: return code 2, and the end', async () => {
  await using client = await open();
  client.sendBytes(connectFrame({ flags: 0x00 }, ''));
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.clientIdentifierNotValid);
  await client.expectClose();
});

test('[MQTT-3.1.3-9] an identifier that is not accepted is answered with return code 2, and the end', async () => {
  // The one identifier that a server may not accept in this way whatever else it allows.
  await using client = await open();
  client.sendConnect({ clientId: '', cleanStart: false });
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.clientIdentifierNotValid);
  await client.expectClose();
});

test('[MQTT-3.1.4-1] bytes behind the last field are refused, without a CONNACK', () =>
  endsSilently(frame(0x10, field('MQTT'), 4, 0x02, 0, 0, field('c'), 0)));

test('[MQTT-3.1.4-4] [MQTT-3.2.0-1] the first packet of the server is a CONNACK with return code 0', async () => {
  const clientId = unique('c');
  await using client = await open();
  client.sendConnect({ clientId });
  client.send({ type: 'pingreq' });
  assert.equal((await client.expect('connack')).reasonCode, ReasonCode.success);
  await client.expect('pingresp');
});

test('[MQTT-3.1.4-5] what comes behind a CONNECT that was rejected is not processed', async () => {
  const topic = unique('topic');
  await using watcher = await connect();
  await watcher.subscribe(topic);
  await using client = await open();
  client.sendBytes(bytes(connectFrame({ flags: 0x00 }, ''), frame(0x30, field(topic), 'rejected')));
  await client.ended();
  await using other = await connect();
  await other.publish(topic, 'end', { qos: 1 });
  assert.equal(await watcher.expectPayload(), 'end');
});

for (const [what, sent] of Object.entries({
  'protocol level': connectFrame({ level: 2, flags: 0x00 }, 'c'),
  identifier: connectFrame({ flags: 0x00 }, ''),
}))
  test(`[MQTT-3.2.2-4] [MQTT-3.2.2-5] refused for its ${what}: no session present, and the end`, async () => {
    await using client = await open();
    client.sendBytes(sent);
    const { sessionPresent, reasonCode } = await client.expect('connack');
    assert.notEqual(reasonCode, ReasonCode.success);
    assert.equal(sessionPresent, false);
    await client.expectClose();
  });

test('[MQTT-3.2.2-6] a will to a topic that cannot be has no return code: the end without a CONNACK', () =>
  endsSilently(connectFrame({ flags: 0x06 }, 'c', 'will/#', 'payload')));
