import assert from 'node:assert/strict';
import { once } from 'node:events';
import { EventEmitter } from 'node:stream';
import { test } from 'node:test';
import { RawClient } from '../../../test/support/raw-client.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { inSlices, SLICE } from './in-slices.ts';

/** A connected client, the broker's side of it, and work that says what becomes of it. */
async function setUp() {
  const broker = await BrokerUnderTest.start();
  const client = await RawClient.connect({ port: await broker.listen(), clientId: 'c' });
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
    ...{ client, connection, work, seen, outcomes },
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
