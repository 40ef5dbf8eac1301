import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WriteQueue } from './write-queue.ts';

describe('a write queue', () => {
  it('says what waits or is being made durable, until that is answered, well or ill', async () => {
    const { promise: mayFail, reject: fail } = Promise.withResolvers<never>();
    const queue = new WriteQueue(() => mayFail);
    assert.deepEqual(queue.load, { calls: 0, bytes: 0 });
    const writes = ['a', 'b'].map((key) => queue.write([{ type: 'put', key, value: new Uint8Array(100) }]));
    const { calls, bytes } = queue.load;
    assert.equal(calls, 2);
    assert.ok(bytes >= 2 * 101);
    fail(new Error('no disk'));
    await Promise.allSettled(writes);
    assert.deepEqual(queue.load, { calls: 0, bytes: 0 });
  });
});
