import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChunkPool, LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES } from './chunk-pool.ts';

describe('a chunk pool', () => {
  it('gives a chunk of the smallest size that holds the bytes, and no larger than needed beyond those', () => {
    const pool = new ChunkPool();
    assert.equal(pool.take(1).length, SMALL_CHUNK_BYTES);
    assert.equal(pool.take(SMALL_CHUNK_BYTES).length, SMALL_CHUNK_BYTES);
    assert.equal(pool.take(SMALL_CHUNK_BYTES + 1).length, LARGE_CHUNK_BYTES);
    assert.equal(pool.take(LARGE_CHUNK_BYTES + 1).length, LARGE_CHUNK_BYTES + 1);
  });

  it('gives what was released again', () => {
    const pool = new ChunkPool();
    for (const size of [SMALL_CHUNK_BYTES, LARGE_CHUNK_BYTES]) {
      const chunk = pool.take(size);
      assert.notEqual(pool.take(size), chunk);
      pool.release(chunk);
      assert.equal(pool.take(size), chunk);
    }
  });

  it('keeps no more idle chunks than it was told, and none made for an occasion', () => {
    const pool = new ChunkPool(1);
    const [first, second] = [pool.take(1), pool.take(1)];
    pool.release(first);
    pool.release(second);
    assert.equal(pool.take(1), first);
    assert.notEqual(pool.take(1), second);
    const occasional = pool.take(LARGE_CHUNK_BYTES + 1);
    pool.release(occasional);
    assert.notEqual(pool.take(LARGE_CHUNK_BYTES + 1), occasional);
  });
});
