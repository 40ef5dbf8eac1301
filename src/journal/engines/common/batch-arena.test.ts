import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchArena } from './batch-arena.ts';

const bytesOf = ({ buffer, start, length }: { buffer: Buffer; start: number; length: number }) =>
  buffer.subarray(start, start + length);

describe('a batch arena', () => {
  it('copies, so that the source can change', () => {
    const source = Buffer.from('batch');
    const held = new BatchArena().hold(source, 1);
    source.fill(0);
    assert.equal(bytesOf(held).toString(), 'batch');
  });

  it('lays small batches side by side, and never writes a place twice', () => {
    const arena = new BatchArena();
    const held = Array.from({ length: 1000 }, (_, number) => arena.hold(Buffer.alloc(1000, number), number));
    assert.equal(held[1]!.buffer, held[0]!.buffer);
    assert.equal(held[1]!.start, held[0]!.start + held[0]!.length);
    for (const [number, batch] of held.entries()) {
      assert.deepEqual(bytesOf(batch), Buffer.alloc(1000, number));
      assert.equal(batch.count, number);
    }
  });

  it('gives a large batch a buffer of its own', () => {
    const arena = new BatchArena();
    const large = arena.hold(Buffer.alloc(500_000, 1), 1);
    assert.equal(large.buffer.length, 500_000);
    assert.notEqual(arena.hold(Buffer.from('small'), 1).buffer, large.buffer);
  });
});
