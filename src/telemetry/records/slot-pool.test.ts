import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SlotPool, slotOf } from './slot-pool.ts';

describe('a pool of slots', () => {
  it('gives each slot to one at a time, and knows a handle as long as it has its slot', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.array(fc.nat(2000), { maxLength: 400 }), (capacity, steps) => {
        const pool = new SlotPool(capacity);
        const open: number[] = [];
        const gone: number[] = [];
        for (const step of steps) {
          // As many steps take as release.
          if (step % 2 === 0 && !pool.isFull) open.push(pool.take());
          else if (open.length > 0) {
            const [handle] = open.splice(step % open.length, 1);
            pool.release(pool.find(handle!));
            gone.push(handle!);
          }
          assert.equal(pool.open, open.length);
        }
        assert.equal(new Set(open.map(slotOf)).size, open.length);
        for (const handle of open) assert.equal(pool.find(handle), slotOf(handle));
        for (const handle of [...gone, 0, capacity]) assert.equal(pool.find(handle), -1);
      }),
    );
  });

  it('gives out as many as it has, and the same again when they are back', () => {
    const pool = new SlotPool(3);
    const handles = [pool.take(), pool.take(), pool.take()];
    assert.ok(pool.isFull);
    for (const handle of handles) pool.release(pool.find(handle));
    const again = [pool.take(), pool.take(), pool.take()];
    assert.deepEqual(again.map(slotOf), handles.map(slotOf));
    assert.ok(again.every((handle, index) => handle !== handles[index]));
  });

  it('keeps to a few slots, as long as few are in use', () => {
    const pool = new SlotPool(65_536);
    const slots = new Set<number>();
    for (let use = 0; use < 100_000; use += 1) {
      const handle = pool.take();
      slots.add(slotOf(handle));
      pool.release(slotOf(handle));
    }
    assert.ok(slots.size < 1000);
  });

  it('gives a slot another generation each time, and begins again after the last', () => {
    const pool = new SlotPool(1);
    const first = pool.take();
    pool.release(slotOf(first));
    for (let use = 2; use <= 0x7fff; use += 1) {
      const handle = pool.take();
      assert.ok(handle > 0 && handle !== first);
      pool.release(slotOf(handle));
    }
    assert.equal(pool.take(), first);
  });

  it('has 1 to 65,536 slots', () => {
    assert.throws(() => new SlotPool(0), /slots/);
    assert.throws(() => new SlotPool(65_537), /slots/);
  });
});
