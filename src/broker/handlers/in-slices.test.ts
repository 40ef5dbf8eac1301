import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RawClient } from '../../../test/support/raw-client.ts';
import type { Subscription } from '../../mqtt/packets.ts';
import { ATTRIBUTES } from '../../telemetry/catalogue.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { inSlices, SLICE } from './in-slices.ts';

function subscriptionTo(filter: string): Subscription {
  return { filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 };
}

/** A connected client, the broker's side of it, and work that says what becomes of it. */
async function setUp() {
  const broker = await BrokerUnderTest.start();
  const properties = { sessionExpiryInterval: 1000 };
  const client = await RawClient.connect({ port: await broker.listen(), clientId: 'c', properties });
  const connection = broker.assembly.lifecycle.sessions.get('c')!.receiver as Connection;
  const events = new EventEmitter();
  const seen: number[] = [];
  const outcomes: string[] = [];
  const finish = (outcome: string): void => {
    outcomes.push(outcome);
    events.emit('end');
  };
  const work = {
    each: (index: number) => seen.push(index),
    done: () => finish('done'),
    abandoned: () => finish('abandoned'),
  };
  return {
    ...{ broker, client, connection, work, seen, outcomes },
    ended: () => once(events, 'end'),
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

test('few are done at once', async () => {
  await using setup = await setUp();
  inSlices(setup.connection, SLICE, setup.work);
  assert.deepEqual([setup.seen.length, setup.outcomes], [SLICE, ['done']]);
  assert.equal(setup.connection.awaitsBroker, false);
});

test('of many, a slice is done in a turn, and all of them in order', async () => {
  await using setup = await setUp();
  const count = 3 * SLICE + 1;
  inSlices(setup.connection, count, setup.work);
  assert.deepEqual([setup.seen.length, setup.outcomes], [SLICE, []]);
  await setup.ended();
  assert.deepEqual(setup.seen, [...Array(count).keys()]);
  assert.deepEqual(setup.outcomes, ['done']);
});

test('meanwhile nothing else is taken from the connection, whoever wants it to go on', async () => {
  await using setup = await setUp();
  const { connection, client, outcomes } = setup;
  setup.work.done = () => outcomes.push('done');
  inSlices(connection, 100 * SLICE, setup.work);
  client.send({ type: 'pingreq' });
  connection.resume();
  assert.ok(connection.awaitsBroker);
  await client.expect('pingresp').then(() => outcomes.push('pingresp'));
  assert.deepEqual(outcomes, ['done', 'pingresp']);
});

test('a connection that closes ends it', async () => {
  await using setup = await setUp();
  inSlices(setup.connection, 3 * SLICE, setup.work);
  setup.connection.close(CLOSE_REASONS.serverShutdown);
  await setup.ended();
  assert.deepEqual([setup.seen.length, setup.outcomes], [SLICE, ['abandoned']]);
});

test('a SUBSCRIBE of a thousand filters is answered once, behind the last of them and before what follows', async () => {
  await using setup = await setUp();
  const subscriptions = Array.from({ length: 1000 }, (_, index) => subscriptionTo(`a/${index}`));
  setup.client.send(
    { type: 'subscribe', packetId: 1, subscriptions, properties: {} },
    { type: 'unsubscribe', packetId: 2, filters: subscriptions.map(({ filter }) => filter), properties: {} },
    { type: 'subscribe', packetId: 3, subscriptions: [subscriptionTo('b')], properties: {} },
  );
  assert.deepEqual((await setup.client.expect('suback')).reasonCodes, Array(1000).fill(0));
  assert.deepEqual((await setup.client.expect('unsuback')).reasonCodes, Array(1000).fill(0));
  assert.equal((await setup.client.expect('suback')).packetId, 3);
  assert.equal(setup.broker.assembly.router.subscriptionCount, 1);
  const said = attributesOf(setup.broker.spansNamed('mqtt/subscribe')[0]);
  assert.equal((said.get(ATTRIBUTES.mqttTopics) as string[]).length, 128);
  assert.equal(said.get(ATTRIBUTES.mqttTopicCount), 1000);
  assert.equal(setup.broker.spansNamed('topic/authorize').length, 128 + 1);
});

test('one whose client goes before the last filter is over, and keeps what it had got', async () => {
  await using setup = await setUp();
  const { router } = setup.broker.assembly;
  const subscriptions = Array.from({ length: 10_000 }, (_, index) => subscriptionTo(`a/${index}`));
  setup.client.send({ type: 'subscribe', packetId: 1, subscriptions, properties: {} });
  while (router.subscriptionCount === 0) await nextTurn();
  setup.connection.close(CLOSE_REASONS.serverShutdown);
  const got = router.subscriptionCount;
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.equal(router.subscriptionCount, got);
  const [span] = setup.broker.spansNamed('mqtt/subscribe');
  assert.equal(attributesOf(span).get(ATTRIBUTES.errorType), 'disconnected');
});
