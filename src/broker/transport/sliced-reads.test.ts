import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SLICE_BYTES, SlicedReads } from './sliced-reads.ts';

function setUp() {
  const got: Buffer[] = [];
  const world = { got, isPaused: false, answer: true, bytes: () => Buffer.concat(got) };
  const source = {
    pause: () => {
      world.isPaused = true;
    },
    resume: () => {
      world.isPaused = false;
    },
  };
  const reads = new SlicedReads(source, (bytes) => {
    got.push(bytes);
    return world.answer;
  });
  return { world, reads };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await nextTurn();
}

describe('what messages hold', () => {
  it('is handed up at once where they are small', () => {
    const { world, reads } = setUp();
    for (const text of ['a', 'b', 'c']) reads.push(Buffer.from(text));
    assert.equal(String(world.bytes()), 'abc');
    assert.equal(world.isPaused, false);
  });

  it('is handed up a slice in each turn where they are large, in order, and nothing more is taken meanwhile', async () => {
    const { world, reads } = setUp();
    const large = randomBytes(3 * SLICE_BYTES + 1);
    reads.push(large);
    reads.push(Buffer.from('behind'));
    assert.equal(world.bytes().length, SLICE_BYTES);
    assert.ok(world.isPaused);
    await turns(10);
    assert.ok(world.bytes().equals(Buffer.concat([large, Buffer.from('behind')])));
    assert.ok(world.got.every(({ length }) => length <= SLICE_BYTES));
    assert.equal(world.isPaused, false);
  });

  it('waits while the reader does, and goes on when told so', async () => {
    const { world, reads } = setUp();
    world.answer = false;
    reads.push(Buffer.alloc(2 * SLICE_BYTES));
    reads.push(Buffer.from('behind'));
    await turns(5);
    assert.equal(world.bytes().length, SLICE_BYTES);
    world.answer = true;
    reads.resume();
    await turns(5);
    assert.equal(world.bytes().length, 2 * SLICE_BYTES + 6);
    assert.equal(world.isPaused, false);
  });

  it('comes before the end', async () => {
    const { world, reads } = setUp();
    let bytesAtEnd = 0;
    reads.push(Buffer.alloc(2 * SLICE_BYTES));
    reads.end(() => {
      bytesAtEnd = world.bytes().length;
    });
    await turns(5);
    assert.equal(bytesAtEnd, 2 * SLICE_BYTES);
  });

  it('comes before the end also where the reader waits in between', async () => {
    const { world, reads } = setUp();
    const ends: number[] = [];
    reads.push(Buffer.alloc(3 * SLICE_BYTES));
    reads.end(() => ends.push(world.bytes().length));
    world.answer = false;
    await turns(5);
    assert.deepEqual(ends, []);
    world.answer = true;
    reads.resume();
    await turns(5);
    assert.deepEqual(ends, [3 * SLICE_BYTES]);
  });

  it('that waits for the reader does not keep the end waiting', () => {
    const { world, reads } = setUp();
    let isEnded = false;
    world.answer = false;
    reads.push(Buffer.alloc(2 * SLICE_BYTES));
    reads.end(() => {
      isEnded = true;
    });
    assert.ok(isEnded);
  });

  it('is not handed up once that is over, but the source goes on', async () => {
    const { world, reads } = setUp();
    reads.push(Buffer.alloc(2 * SLICE_BYTES));
    reads.close();
    reads.push(Buffer.from('behind'));
    await turns(5);
    assert.equal(world.bytes().length, SLICE_BYTES);
    assert.equal(world.isPaused, false);
  });
});
