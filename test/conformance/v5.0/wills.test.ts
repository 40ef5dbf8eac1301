import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Qos, Will } from '../../../src/mqtt/packets.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { frame } from '../support/bytes.ts';
import { conformance } from '../support/conformance.ts';
import { expectRefusal, textsBefore } from '../support/exchange.ts';

const { test, connect, unique } = conformance('5.0');
const kept = { sessionExpiryInterval: 60 };
/** Within this a will that is to be published at once has been. */
const SHORT_MS = 200;
/** A will delay of one second is over, also where a server counts and looks by whole seconds. */
const MORE_THAN_A_SECOND_MS = 3100;

function willTo(topic: string, options: Partial<Will> = {}): Will {
  return { topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: {}, ...options };
}

async function watch(topic: string): Promise<RawClient> {
  const watcher = await connect();
  await watcher.subscribe(topic);
  return watcher;
}

/** Nothing came, and nothing comes before this. */
async function expectNoWill(watcher: RawClient, topic: string): Promise<void> {
  await watcher.publish(topic, 'end', { qos: 1 });
  assert.deepEqual(await textsBefore(watcher, 'end'), []);
}

const ENDINGS: Readonly<Record<string, (client: RawClient) => Promise<void>>> = {
  'the network is gone': (client) => client.drop(),
  'DISCONNECT asks for it': (client) => client.disconnect(ReasonCode.disconnectWithWillMessage),
  'the server closes after an error': async (client) => {
    client.sendBytes(frame(0x01));
    await client.ended();
  },
};

for (const [what, end] of Object.entries(ENDINGS))
  test(`[MQTT-3.1.2-7] [MQTT-3.1.2-8] a will is published when ${what}`, async () => {
    const topic = unique('will');
    await using watcher = await watch(topic);
    await using client = await connect({ will: willTo(topic) });
    await end(client);
    assert.equal(await watcher.expectPayload(), 'gone');
  });

test('[MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-22] a will is published when the keep alive has passed', async () => {
  const topic = unique('will');
  await using watcher = await watch(topic);
  await using client = await connect({ will: willTo(topic), keepAliveSeconds: 1 });
  await client.ended();
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-8] a will without delay is published when another connection takes the session', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  await using first = await connect({ clientId, properties: kept, will: willTo(topic) });
  await using _second = await connect({ clientId, cleanStart: false });
  await expectRefusal(first, ReasonCode.sessionTakenOver);
  assert.equal(await watcher.expectPayload(), 'gone');
});

test('[MQTT-3.1.2-8] a will waits for its delay, and is published after it', async () => {
  const topic = unique('will');
  await using watcher = await watch(topic);
  const will = willTo(topic, { properties: { willDelayInterval: 2 } });
  await using client = await connect({ properties: kept, will });
  await client.drop();
  await sleep(1000);
  await watcher.expectNothing();
  assert.equal(await watcher.expectPayload(), 'gone');
});

for (const [what, properties] of Object.entries({
  'with its connection': {},
  'before the delay is over': { sessionExpiryInterval: 1 },
}))
  test(`[MQTT-3.1.2-8] a session that ends ${what} does not wait for the will delay`, async () => {
    const topic = unique('will');
    await using watcher = await watch(topic);
    const will = willTo(topic, { properties: { willDelayInterval: 1000 } });
    await using client = await connect({ properties, will });
    await client.drop();
    assert.equal(await watcher.expectPayload(), 'gone');
  });

test('[MQTT-3.1.2-8] a session that clean start ends does not wait for the will delay', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  const will = willTo(topic, { properties: { willDelayInterval: 1000 } });
  await using first = await connect({ clientId, properties: kept, will });
  await first.drop();
  await using _second = await connect({ clientId, cleanStart: true });
  assert.equal(await watcher.expectPayload(), 'gone');
});

for (const qos of [0, 1, 2] as const)
  test(`[MQTT-3.1.2-9] [MQTT-3.1.2-12] a will of QoS ${qos} is published with it, and with all its properties`, async () => {
    const topic = unique('will');
    await using watcher = await watch(topic);
    const properties = { payloadFormatIndicator: 1, contentType: 'text', responseTopic: 'answer' };
    await using client = await connect({ will: willTo(topic, { qos, properties }) });
    await client.drop();
    const received = await watcher.receive();
    assert.deepEqual([payloadOf(received), received.qos], ['gone', qos]);
    assert.deepEqual({ ...received.properties }, properties);
  });

test('[MQTT-3.1.2-10] a will that was published is published once', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  await using first = await connect({ clientId, properties: kept, will: willTo(topic) });
  await first.drop();
  assert.equal(await watcher.expectPayload(), 'gone');
  await using second = await connect({ clientId, cleanStart: false });
  await second.drop();
  await sleep(SHORT_MS);
  await expectNoWill(watcher, topic);
});

test('[MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT with reason 0 discards the will', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  await using first = await connect({ clientId, properties: kept, will: willTo(topic) });
  await first.disconnect();
  await sleep(SHORT_MS);
  await using second = await connect({ clientId, cleanStart: false });
  await second.drop();
  await sleep(SHORT_MS);
  await expectNoWill(watcher, topic);
});

test('[MQTT-3.14.4-3] a delayed will is discarded with DISCONNECT too', async () => {
  const topic = unique('will');
  await using watcher = await watch(topic);
  const will = willTo(topic, { properties: { willDelayInterval: 1 } });
  await using client = await connect({ properties: { sessionExpiryInterval: 1 }, will });
  await client.disconnect();
  await sleep(MORE_THAN_A_SECOND_MS);
  await expectNoWill(watcher, topic);
});

for (const qos of [0, 1, 2] as const) {
  test(`[MQTT-3.1.2-14] QoS ${qos}: a will with will retain 0 is not retained`, async () => {
    assert.deepEqual(await retainedAfterWill(qos, false), []);
  });

  test(`[MQTT-3.1.2-15] QoS ${qos}: a will with will retain 1 is retained`, async () => {
    assert.deepEqual(await retainedAfterWill(qos, true), ['gone']);
  });
}

/** What a new subscriber finds after a will with these flags was published. */
async function retainedAfterWill(qos: Qos, retain: boolean): Promise<string[]> {
  const topic = unique('will');
  await using watcher = await watch(topic);
  await using client = await connect({ will: willTo(topic, { qos, retain }) });
  await client.drop();
  await watcher.receive();
  await using later = await watch(topic);
  await later.publish(topic, 'end', { qos: 1 });
  return await textsBefore(later, 'end');
}

test('[MQTT-3.1.3-9] a client that comes back within the will delay is not said to be gone', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  const will = willTo(topic, { properties: { willDelayInterval: 1 } });
  await using first = await connect({ clientId, properties: kept, will });
  await first.drop();
  await using _second = await connect({ clientId, cleanStart: false, properties: kept });
  await sleep(MORE_THAN_A_SECOND_MS);
  await expectNoWill(watcher, topic);
});

test('[MQTT-3.1.3-9] a connection that takes over within the will delay stops the will', async () => {
  const [clientId, topic] = [unique('c'), unique('will')];
  await using watcher = await watch(topic);
  const will = willTo(topic, { properties: { willDelayInterval: 1 } });
  await using _first = await connect({ clientId, properties: kept, will });
  await using _second = await connect({ clientId, cleanStart: false, properties: kept });
  await sleep(MORE_THAN_A_SECOND_MS);
  await expectNoWill(watcher, topic);
});

test('[MQTT-3.1.3-10] the user properties of a will keep their order', async () => {
  const topic = unique('will');
  await using watcher = await watch(topic);
  const names = ['b', 'a', 'b', 'c', 'a', ''];
  const userProperties = names.map((name, index) => [name, String(index)] as const);
  await using client = await connect({ will: willTo(topic, { properties: { userProperties } }) });
  await client.drop();
  assert.deepEqual((await watcher.expect('publish')).properties.userProperties, userProperties);
});
