import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JournalError } from '../../journal.ts';
import { isShardName, ShardTable } from './shard-table.ts';

describe('shard names', () => {
  it('are lower case, digits and a few signs, and lead nowhere', () => {
    for (const name of ['default', 'a-1_2.b$', '.a', '...b']) assert.ok(isShardName(name), name);
    for (const name of ['', '.', '..', 'a/b', 'A', 'ü', 'a b', 'a\n']) assert.ok(!isShardName(name), name);
  });
});

describe('a shard table', () => {
  it('finds what was added, and refuses the rest until it is closed and refuses all', () => {
    const table = new ShardTable<number>();
    table.add('a', 1);
    assert.equal(table.get('a'), 1);
    assert.throws(
      () => table.get('b'),
      (error) => error instanceof JournalError && error.code === 'unknown_shard',
    );
    table.close();
    assert.throws(
      () => table.get('a'),
      (error) => error instanceof JournalError && error.code === 'closed',
    );
    assert.deepEqual(table.values(), [1]);
  });
});
