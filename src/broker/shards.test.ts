import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../journal/engines/memory/memory-journal.ts';
import { MemoryPlacement } from '../placement/engines/memory/memory-placement.ts';
import { DEFAULT_SHARD, ROUTES_KEY, readRoutes, writeRoutes } from '../placement/routes.ts';
import { ShardMap, type TopicRule } from './shards.ts';
import { TestClock } from './testing/test-clock.ts';

/** Placement and journal, from which any number of brokers open their shards. */
function setUp() {
  const placement = new MemoryPlacement();
  const journal = new MemoryJournal({ clock: new TestClock() });
  const refused: unknown[] = [];
  return {
    refused,
    placement,
    journal,
    open: (rules: readonly TopicRule[] = [], brokerId = 'broker-1') =>
      ShardMap.open(placement, journal, brokerId, rules, 0, (cause) => refused.push(cause)),
    async [Symbol.asyncDispose]() {
      await journal.close();
      await placement.close();
    },
  };
}

describe('the shards of a broker', () => {
  it('are made in the journal: one whose messages survive, one whose do not, one of its sessions', async () => {
    await using setup = setUp();
    const shards = await setup.open();
    const { durable, volatile, sessionShard } = shards;
    assert.deepEqual([durable.name, durable.durable], [DEFAULT_SHARD, true]);
    assert.deepEqual([volatile.name, volatile.durable], ['volatile', false]);
    for (const name of [durable.name, volatile.name, sessionShard])
      assert.deepEqual((await setup.journal.bounds(name)).end, 0);
    shards.close();
  });

  it('keep their numbers, by which sessions know them, over restarts', async () => {
    await using setup = setUp();
    const first = await setup.open();
    first.close();
    const second = await setup.open();
    second.close();
    assert.notEqual(first.durable.number, first.volatile.number);
    assert.deepEqual([second.durable, second.volatile], [first.durable, first.volatile]);
  });

  it('are shared by brokers, but for that of their sessions', async () => {
    await using setup = setUp();
    const one = await setup.open([], 'Broker 1');
    const other = await setup.open([], 'broker-2');
    assert.deepEqual([one.sessionShard, other.sessionShard], ['sessions.broker_1', 'sessions.broker-2']);
    assert.deepEqual(one.durable, other.durable);
    one.close();
    other.close();
  });
});

describe('a route', () => {
  it('that does not parse is refused aloud, and the ones before it stay', async () => {
    await using setup = setUp();
    const shards = await setup.open([{ filter: 'fast/#', durable: false }]);
    await setup.placement.write([{ type: 'put', key: ROUTES_KEY, value: Buffer.from('[{"filter":') }]);
    assert.equal(shards.route('fast/1'), shards.volatile);
    assert.equal(setup.refused.length, 1);
    shards.close();
  });

  it('is given by the first rule that matches; without one a message survives', async () => {
    await using setup = setUp();
    const shards = await setup.open([
      { filter: 'a/keep', durable: true },
      { filter: 'a/#', durable: false },
    ]);
    assert.deepEqual(
      ['a/keep', 'a/b', 'b'].map((topic) => shards.route(topic).name),
      [DEFAULT_SHARD, 'volatile', DEFAULT_SHARD],
    );
    assert.equal((await readRoutes(setup.placement)).length, 2);
    shards.close();
  });

  it('changes with placement, and the version says so, until the map is closed', async () => {
    await using setup = setUp();
    const shards = await setup.open([{ filter: 'a', durable: false }]);
    const { version } = shards;
    await writeRoutes(setup.placement, []);
    assert.deepEqual([shards.route('a').name, shards.version > version], [DEFAULT_SHARD, true]);
    shards.close();
    const last = shards.version;
    await writeRoutes(setup.placement, [{ filter: 'a', shard: 'volatile' }]);
    assert.deepEqual([shards.route('a').name, shards.version], [DEFAULT_SHARD, last]);
  });

  it('is that of the last start where the configuration has changed since', async () => {
    await using setup = setUp();
    (await setup.open([{ filter: 'a', durable: false }])).close();
    const shards = await setup.open();
    assert.equal(shards.route('a').name, DEFAULT_SHARD);
    shards.close();
  });
});
