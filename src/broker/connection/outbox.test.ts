import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TestSink } from '../testing/test-sink.ts';
import { ChunkPool, LARGE_CHUNK_BYTES } from './chunk-pool.ts';
import { Outbox } from './outbox.ts';
import { Turn } from './turn.ts';

function open(room?: number) {
  const sink = new TestSink(room);
  const turn = new Turn();
  const traffic = { received: 0, sent: 0, blocked: new Set<Outbox>() };
  let drained = 0;
  const outbox = new Outbox(sink, new ChunkPool(), turn, traffic, () => {
    drained += 1;
  });
  const push = (text: string) => outbox.push(Buffer.from(text), 0, text.length);
  return { sink, turn, traffic, outbox, push, drainedTimes: () => drained };
}

describe('an outbox', () => {
  it('sends all that a turn owes in one write, in the order in which it was owed', () => {
    const { sink, turn, outbox, push, traffic } = open();
    push('first ');
    const at = outbox.reserve(4);
    outbox.buffer.write('room', at);
    push(' last');
    assert.equal(outbox.pendingBytes, 15);
    assert.deepEqual(sink.calls, []);
    turn.end();
    assert.deepEqual(sink.calls.map(String), ['first room last']);
    assert.deepEqual([outbox.pendingBytes, traffic.sent], [0, 15]);
  });

  it('appends part of what it is given', () => {
    const { sink, turn, outbox } = open();
    outbox.push(Buffer.from('abcdef'), 2, 4);
    turn.end();
    assert.equal(String(sink.taken), 'cd');
  });

  it('is among the blocked ones until the kernel has taken all, or it is closed', () => {
    const { sink, turn, traffic, outbox, push } = open(2);
    push('slow');
    assert.equal(traffic.blocked.size, 0);
    turn.end();
    assert.deepEqual([...traffic.blocked], [outbox]);
    sink.makeRoom(2);
    assert.equal(traffic.blocked.size, 0);
    push('slow again');
    turn.end();
    assert.equal(traffic.blocked.size, 1);
    outbox.close();
    assert.equal(traffic.blocked.size, 0);
  });

  it('uses its buffer again when the kernel took everything at once', () => {
    const { turn, outbox, push } = open();
    push('one');
    const { buffer } = outbox;
    turn.end();
    push('two');
    assert.equal(outbox.buffer, buffer);
  });

  it('is blocked while the kernel has not taken all, and keeps that buffer as it is', () => {
    const { sink, turn, outbox, push, drainedTimes } = open(2);
    push('slow');
    const { buffer } = outbox;
    turn.end();
    assert.ok(outbox.blocked);
    push('next');
    assert.notEqual(outbox.buffer, buffer);
    turn.end();
    assert.equal(outbox.pendingBytes, 6);
    assert.equal(String(sink.taken), 'sl');
    assert.equal(drainedTimes(), 0);

    sink.makeRoom(1);
    assert.ok(outbox.blocked);
    sink.makeRoom(100);
    assert.equal(String(sink.taken), 'slownext');
    assert.deepEqual([outbox.blocked, outbox.pendingBytes, drainedTimes()], [false, 0, 1]);
  });

  it('does not say that it has drained while what waited does not go out either', () => {
    const { sink, turn, outbox, push, drainedTimes } = open(1);
    push('ab');
    turn.end();
    push('cd');
    sink.makeRoom(1);
    assert.deepEqual([outbox.blocked, drainedTimes()], [true, 0]);
    sink.makeRoom(2);
    assert.deepEqual([outbox.blocked, drainedTimes(), String(sink.taken)], [false, 1, 'abcd']);
  });

  it('lets a burst go in pieces while the turn still runs, so that it never holds more than a chunk or two', () => {
    const { sink, turn, outbox } = open();
    const piece = Buffer.alloc(10_000, 7);
    for (let count = 0; count < 50; count += 1) {
      outbox.push(piece, 0, piece.length);
      assert.ok(outbox.pendingBytes <= LARGE_CHUNK_BYTES);
    }
    assert.ok(sink.calls.length > 0);
    turn.end();
    assert.ok(sink.taken.equals(Buffer.alloc(500_000, 7)));
  });

  it('takes one packet larger than a chunk', () => {
    const { sink, turn, outbox, push } = open();
    push('before');
    const large = Buffer.alloc(3 * LARGE_CHUNK_BYTES, 'x');
    outbox.push(large, 0, large.length);
    push('behind');
    turn.end();
    assert.ok(sink.taken.equals(Buffer.concat([Buffer.from('before'), large, Buffer.from('behind')])));
  });

  it('sends nothing any more when it is closed, and holds nothing', () => {
    const { sink, turn, outbox, push } = open();
    push('dropped');
    outbox.close();
    push('nowhere');
    turn.end();
    assert.deepEqual([sink.calls.length, outbox.pendingBytes], [0, 0]);
  });

  it('does not wake anybody when the socket drains after it was closed', () => {
    const { sink, turn, outbox, push, drainedTimes } = open(1);
    push('ab');
    turn.end();
    outbox.close();
    sink.makeRoom(10);
    assert.equal(drainedTimes(), 0);
  });

  it('keeps the order of the bytes however writes, turns and a slow kernel fall together', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ write: fc.oneof(fc.nat(50), fc.nat(20_000), fc.nat(150_000)) }) },
      { weight: 2, arbitrary: fc.constant({ turn: true }) },
      { weight: 2, arbitrary: fc.record({ room: fc.nat(100_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), fc.nat(100_000), (steps, room) => {
        const { sink, turn, outbox, traffic } = open(room);
        const expected: Buffer[] = [];
        for (const [index, current] of steps.entries()) {
          if ('write' in current) {
            const bytes = Buffer.alloc(current.write, index + 1);
            outbox.push(bytes, 0, bytes.length);
            expected.push(bytes);
          } else if ('room' in current) sink.makeRoom(current.room);
          else turn.end();
        }
        turn.end();
        sink.makeRoom(Number.POSITIVE_INFINITY);
        assert.ok(sink.taken.equals(Buffer.concat(expected)));
        assert.deepEqual([outbox.pendingBytes, outbox.blocked], [0, false]);
        assert.equal(traffic.sent, sink.taken.length);
      }),
      { numRuns: 200 },
    );
  });
});
