import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { everythingFrom, payloadOf, payloads } from '../../testing/records.ts';
import type { HeldBatch } from './batch-arena.ts';
import { stampBaseOffset } from './batch-header.ts';
import { BatchWindow } from './batch-window.ts';
import { ReadCollector } from './read-collector.ts';

function held(baseOffset: number, ...texts: string[]): HeldBatch {
  const buffer = Buffer.from(payloads(...texts).seal());
  stampBaseOffset(buffer, 0, baseOffset);
  return { buffer, start: 0, length: buffer.length, count: texts.length, baseOffset };
}

function read(window: BatchWindow, from: number): string[] {
  const collector = new ReadCollector(everythingFrom(from), undefined);
  window.readInto(collector);
  return collector.result(window.end).entries.map(payloadOf);
}

describe('a window of batches', () => {
  it('begins and ends where the log does', () => {
    const window = new BatchWindow(7);
    assert.deepEqual([window.start, window.end, window.bytes], [7, 7, 0]);
    window.push(held(7, 'a', 'b'));
    assert.deepEqual([window.start, window.end], [7, 9]);
    assert.throws(() => window.push(held(10, 'gap')), /offset order/);
  });

  it('reads from any offset it holds, and from no other', () => {
    const window = new BatchWindow(0);
    for (let offset = 0; offset < 30; offset += 3)
      window.push(held(offset, `${offset}`, `${offset + 1}`, `${offset + 2}`));
    window.dropBelow(7);
    const numbers = Array.from({ length: 30 }, (_, offset) => String(offset));
    for (let from = 6; from <= 30; from += 1) assert.deepEqual(read(window, from), numbers.slice(from));
    assert.throws(() => read(window, 5), /begins within the window/);
  });

  it('shrinks to a size, but keeps the newest batch', () => {
    const window = new BatchWindow(0);
    for (let offset = 0; offset < 5000; offset += 1) window.push(held(offset, 'x'));
    const each = window.bytes / 5000;
    window.shrinkTo(10 * each);
    assert.deepEqual([window.start, window.end, window.bytes], [4990, 5000, 10 * each]);
    window.shrinkTo(0);
    assert.deepEqual([window.start, window.bytes], [4999, each]);
  });

  it('drops whole batches below an offset, to the last', () => {
    const window = new BatchWindow(0);
    window.push(held(0, 'a', 'b'));
    window.dropBelow(1);
    assert.equal(window.start, 0);
    window.dropBelow(2);
    assert.deepEqual([window.start, window.end, window.bytes], [2, 2, 0]);
    window.push(held(2, 'c'));
    assert.deepEqual(read(window, 2), ['c']);
  });
});
