import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Subscription } from '../../src/mqtt/packets.ts';
import type { UserProperty } from '../../src/mqtt/property.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { metric, until } from '../chaos/support/metric.ts';
import { RawClient } from '../support/raw-client.ts';
import type { Settings } from '../support/test-settings.ts';
import { ObservedBroker } from './observed-broker.ts';
import { Witness } from './witness.ts';

const MIB = 1024 * 1024;
/** Of processor time in one turn of the event loop: several times what these attacks cost, for slow machines. */
const BUSY_LIMIT_MS = 1000;
/** What the broker may hold more when the attacker has gone: pools, code, topics. */
const GROWTH_LIMIT_BYTES = 96 * MIB;
const DEEP = 150;

/** Lets an attack happen beside a client that works as always, and looks at what it has cost. */
async function endure(
  t: TestContext,
  settings: Settings,
  attack: (broker: ObservedBroker) => Promise<void>,
  busyLimitMs = BUSY_LIMIT_MS,
) {
  await using broker = await ObservedBroker.start(settings);
  const witness = await Witness.begin(broker.port, 5);
  const before = await broker.vitalsAfterCollection();
  await Promise.race([attack(broker), witness.failed]);
  await witness.end();
  const { longestBusyMs } = await broker.vitals();
  const { heldBytes } = await broker.vitalsAfterCollection();
  t.diagnostic(
    `busy for ${longestBusyMs.toFixed(0)} ms, ${((heldBytes - before.heldBytes) / MIB).toFixed(1)} MiB held`,
  );
  assert.ok(longestBusyMs < busyLimitMs, `the event loop was busy for ${longestBusyMs} ms`);
  assert.ok(heldBytes - before.heldBytes < GROWTH_LIMIT_BYTES);
  assert.equal(broker.process.errors, '');
  assert.deepEqual(await broker.kill('SIGTERM'), { code: 0, signal: null });
}

function subscriptionTo(filter: string): Subscription {
  return { filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 };
}

test('connections that send one byte and stop are closed in time', async (t) => {
  await endure(t, { 'mqtt.connect_timeout_ms': 1000 }, async (broker) => {
    const sockets = Array.from({ length: 500 }, () => connect(broker.port, '127.0.0.1').resume());
    for (const socket of sockets) socket.write(Buffer.of(0x10));
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
    await until('no connection is left', async () => (await metric(broker.adminUrl, 'robustmq_connections ')) === 1);
  });
});

test('65,000 user properties in every packet that may have them are taken and forwarded', async (t) => {
  const userProperties = Array.from({ length: 65_000 }, (): UserProperty => ['', '']);
  await endure(t, { 'telemetry.propagation': 'preserve' }, async ({ port }) => {
    const client = await RawClient.connect({ port, properties: { userProperties } });
    await client.subscribe('flood', { userProperties });
    client.sendPublish('flood', 'x', { properties: { userProperties } });
    assert.equal((await client.receive()).properties.userProperties?.length, userProperties.length);
    client.send({ type: 'unsubscribe', packetId: 9, filters: ['flood'], properties: { userProperties } });
    await client.expect('unsuback');
    await client.disconnect(0, { userProperties });
  });
});

test('100,000 filters in one SUBSCRIBE are answered one by one, up to the limit', async (t) => {
  const subscriptions = Array.from({ length: 100_000 }, (_, index) => subscriptionTo(index.toString(36)));
  await endure(
    t,
    {},
    async ({ port }) => {
      await using client = await RawClient.connect({ port });
      client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
      const { reasonCodes } = await client.expect('suback');
      assert.equal(reasonCodes.filter((code) => code === ReasonCode.grantedQos0).length, 10_000);
      assert.equal(reasonCodes.at(-1), ReasonCode.quotaExceeded);
      client.send({
        type: 'unsubscribe',
        packetId: 2,
        filters: subscriptions.map(({ filter }) => filter),
        properties: {},
      });
      await client.expect('unsuback');
    },
    400,
  );
});

test('9,000 shared groups on one filter are made, served, served again and left', async (t) => {
  const subscriptions = Array.from({ length: 9000 }, (_, index) => ({
    ...subscriptionTo(`$share/${index}/a`),
    qos: 1,
  }));
  const stays = { properties: { sessionExpiryInterval: 100 } };
  await endure(t, {}, async ({ port }) => {
    await using publisher = await RawClient.connect({ port });
    const member = await RawClient.connect({ port, clientId: 'member', ...stays });
    member.send({ type: 'subscribe', packetId: 1, subscriptions: subscriptions as Subscription[], properties: {} });
    await member.expect('suback');
    await publisher.publish('a', 'x', { qos: 1 });
    for (let count = 0; count < 500; count += 1) await member.receive();
    await member.drop();
    await using again = await RawClient.connect({ port, clientId: 'member', cleanStart: false, ...stays });
    assert.ok((await again.expect('publish')).duplicate);
    await again.disconnect(0, { sessionExpiryInterval: 0 });
    await publisher.publish('a', 'x', { qos: 1 });
  });
});

test('topics and filters of 65,000 levels are refused', async (t) => {
  const deepest = '/'.repeat(65_000);
  await endure(t, {}, async ({ port }) => {
    await using client = await RawClient.connect({ port });
    const subscriptions = Array.from({ length: 15 }, (_, index) => subscriptionTo(`${deepest}${index}`));
    client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
    const { reasonCodes } = await client.expect('suback');
    assert.ok(reasonCodes.every((code) => code === ReasonCode.topicFilterInvalid));
    client.sendPublish(deepest, 'x', { qos: 1 });
    await client.expectDisconnect(ReasonCode.topicNameInvalid);
  });
});

test('deep filters of which each matches differently do not stop the others', async (t) => {
  const filterOf = (index: number): string =>
    [...index.toString(2).padStart(11, '0')].map((bit) => (bit === '0' ? '+' : 'a')).join('/') + '/+'.repeat(DEEP);
  await endure(t, {}, async ({ port }) => {
    await using client = await RawClient.connect({ port });
    const subscriptions = Array.from({ length: 2048 }, (_, index) => subscriptionTo(filterOf(index)));
    client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
    await client.expect('suback');
    for (let index = 0; index < 5; index += 1)
      await client.publish(`${'a/'.repeat(10 + DEEP)}${index}`, 'x', { qos: 1 });
  });
});

test('filters that search all retained topics in vain give others their turn', async (t) => {
  await endure(t, {}, async ({ port }) => {
    await using client = await RawClient.connect({ port });
    for (let index = 0; index < 2000; index += 1)
      client.sendPublish(`${index}${'/x'.repeat(DEEP)}`, 'x', { retain: true });
    await client.expectNothing();
    // Each looks at 300,000 nodes: a few milliseconds, and seconds for all of them in one turn.
    const subscriptions = Array.from({ length: 300 }, (_, index) => subscriptionTo(`${'+/'.repeat(DEEP)}${index}`));
    client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
    await client.expect('suback');
    await client.expectNothing();
  });
});

test('filters that each match all retained messages wait for their reader, and take no memory for it', async (t) => {
  await endure(t, {}, async ({ port }) => {
    await using client = await RawClient.connect({ port });
    for (let index = 0; index < 5000; index += 1) client.sendPublish(`r/${index}`, 'x'.repeat(50), { retain: true });
    await client.expectNothing();
    await using reader = await RawClient.connect({ port });
    reader.pause();
    const filters = ['#', '+/#', 'r/#', 'r/+', '+/+', 'r/+/#', '+/+/#'];
    reader.send({ type: 'subscribe', packetId: 1, subscriptions: filters.map(subscriptionTo), properties: {} });
    await client.expectNothing();
  });
});
