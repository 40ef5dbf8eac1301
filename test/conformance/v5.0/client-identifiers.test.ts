import assert from 'node:assert/strict';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { conformance } from '../support/conformance.ts';
import { nextOrEnd } from '../support/exchange.ts';

const { test, open, connect, unique } = conformance('5.0');
const kept = { sessionExpiryInterval: 60 };

test('[MQTT-3.1.3-2] the identifier tells sessions apart', async () => {
  const [clientId, topic] = [unique('c'), unique('topic')];
  await using before = await connect({ clientId, properties: kept });
  await before.subscribe(topic);
  await before.disconnect();
  for (const different of [`${clientId}-other`, clientId.toUpperCase(), ` ${clientId}`]) {
    await using other = await connect({ clientId: different, cleanStart: false });
    assert.equal(other.connack.sessionPresent, false);
  }
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
});

test('[MQTT-3.1.3-5] client identifiers of 1 to 23 letters and digits are taken', async () => {
  const every = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  for (const clientId of ['Q', every.slice(0, 23), every.slice(23, 46), every.slice(39)]) {
    await using client = await connect({ clientId });
    await client.disconnect();
  }
});

for (const cleanStart of [true, false])
  test(`[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] clients without an identifier get one each (clean start ${cleanStart})`, async () => {
    const clients = await Promise.all([1, 2, 3].map(() => connect({ clientId: '', cleanStart })));
    const assigned = clients.map(({ connack }) => connack.properties.assignedClientIdentifier);
    assert(assigned.every((clientId) => clientId !== undefined && clientId !== ''));
    assert.equal(new Set(assigned).size, clients.length);
    // None has taken over the session of another.
    for (const client of clients) await client.expectNothing();
  });

test('[MQTT-3.1.3-7] an assigned identifier is one with which the client may come back', async () => {
  const topic = unique('topic');
  await using before = await connect({ clientId: '', properties: kept });
  const clientId = before.connack.properties.assignedClientIdentifier!;
  await before.subscribe(topic);
  await before.disconnect();
  await using after = await connect({ clientId, cleanStart: false });
  assert.equal(after.connack.sessionPresent, true);
  await after.publish(topic, 'message', { qos: 1 });
  assert.equal(await after.expectPayload(), 'message');
});

test('[MQTT-3.2.2-16] an identifier is assigned to nobody who has one', async () => {
  await using client = await connect({ clientId: unique('c') });
  assert.equal(client.connack.properties.assignedClientIdentifier, undefined);
});

for (const [what, clientId] of Object.entries({
  'of 65,535 bytes': 'c'.repeat(65_535),
  'with wildcards': '+/#/$share',
  'of spaces': '  ',
}))
  test(`[MQTT-3.1.3-8] an identifier ${what} is served, or refused with 0x85 and the end`, async () => {
    await using client = await open();
    client.sendConnect({ clientId });
    const packet = await nextOrEnd(client);
    if (packet === undefined) return;
    assert(packet.type === 'connack');
    if (packet.reasonCode === ReasonCode.success) return await client.expectNothing();
    assert.equal(packet.reasonCode, ReasonCode.clientIdentifierNotValid);
    await client.expectClose();
  });
