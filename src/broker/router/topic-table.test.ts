import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Subscriber } from './subscription.ts';
import { TopicTable } from './topic-table.ts';

const makeTable = (capacity: number, seed = 1, capacityBytes = 1_000_000) =>
  new TopicTable<Subscriber, { length: number }>(
    capacity,
    capacityBytes,
    (topic) => ({ length: topic.name.length }),
    seed,
  );

const intern = (table: ReturnType<typeof makeTable>, name: string) => {
  const bytes = Buffer.from(name);
  return table.intern(bytes, 0, bytes.length);
};
const lookup = (table: ReturnType<typeof makeTable>, name: string) => {
  const bytes = Buffer.from(name);
  return table.lookup(bytes, 0, bytes.length);
};

describe('topic table', () => {
  it('finds a name wherever its bytes lie, and gives the same topic each time', () => {
    const table = makeTable(100);
    const buffer = Buffer.from('..sensor/1/température..');
    const topic = table.intern(buffer, 2, buffer.length - 2);
    assert.equal(topic.name, 'sensor/1/température');
    assert.equal(lookup(table, 'sensor/1/température'), topic);
    assert.equal(lookup(table, 'sensor/1/temperature'), undefined);
    assert.deepEqual(topic.state, { length: 20 });
  });

  it('keeps bytes of its own when the read buffer is reused', () => {
    const table = makeTable(100);
    const buffer = Buffer.from('a/b');
    const topic = table.intern(buffer, 0, 3);
    buffer.fill(0);
    assert.equal(topic.bytes.toString(), 'a/b');
    assert.equal(lookup(table, 'a/b'), topic);
  });

  it('starts a topic with nothing known of matches and route', () => {
    const topic = intern(makeTable(1), 'a');
    assert.deepEqual([topic.matches, topic.matchesVersion, topic.shard, topic.routeVersion], [undefined, -1, -1, -1]);
  });

  it('drops the half that was not used for longest when full, and counts it', () => {
    const table = makeTable(4);
    for (const name of ['a', 'b', 'c', 'd']) intern(table, name);
    lookup(table, 'a');
    intern(table, 'e');
    assert.equal(table.size, 3);
    assert.equal(table.dropped, 2);
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].filter((name) => lookup(table, name) !== undefined),
      ['a', 'd', 'e'],
    );
  });

  it('is a map from names to topics, as long as there is room, for any seed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.integer(), (names, seed) => {
        const table = makeTable(1000, seed);
        const model = new Map<string, unknown>();
        for (const name of names.map((text) => text.toWellFormed())) {
          assert.equal(lookup(table, name), model.get(name));
          const topic = intern(table, name);
          assert.equal(topic, model.get(name) ?? topic);
          model.set(name, topic);
        }
        assert.equal(table.size, model.size);
      }),
      { numRuns: 50 },
    );
  });

  it('drops topics whose names are together too long, whatever their number', () => {
    const table = makeTable(100, 1, 1000);
    for (const letter of ['a', 'b', 'c', 'd', 'e', 'f']) intern(table, letter.repeat(200));
    assert.deepEqual([table.size, table.dropped], [3, 3]);
    assert.equal(lookup(table, 'c'.repeat(200)), undefined);
    assert.equal(lookup(table, 'f'.repeat(200))?.bytes.length, 200);
    assert.equal(intern(table, 'g'.repeat(2000)).bytes.length, 2000);
    assert.equal(table.size, 2);
  });

  it('never holds more than its capacity', () => {
    const table = makeTable(1000);
    for (let number = 0; number < 5000; number += 1) {
      const topic = intern(table, `device/${number}`);
      assert.ok(table.size <= 1000);
      assert.equal(lookup(table, `device/${number}`), topic);
    }
    assert.equal(table.size + table.dropped, 5000);
  });
});
