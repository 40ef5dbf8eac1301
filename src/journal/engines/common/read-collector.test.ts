import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchOf, everythingFrom, payloadOf, payloads } from '../../testing/records.ts';
import { ReadCollector } from './read-collector.ts';
import { TopicMatchers } from './topic-matcher.ts';

describe('a read collector', () => {
  it('moves into what exists: behind the start what lies before is lost, ahead of the end it goes back', () => {
    const behind = new ReadCollector(everythingFrom(3), undefined);
    behind.clamp(10, 20);
    behind.clamp(12, 20);
    assert.deepEqual(behind.result(20), { entries: [], next: 12, end: 20, lost: 9 });
    const ahead = new ReadCollector(everythingFrom(30), undefined);
    ahead.clamp(10, 20);
    assert.deepEqual(ahead.result(20), { entries: [], next: 20, end: 20, lost: 0 });
  });

  it('passes over a record that does not fit only when it is not the first', () => {
    const batch = Buffer.from(payloads('x'.repeat(500), 'y').seal());
    const collector = new ReadCollector({ from: 0, maxRecords: 5, maxBytes: 100 }, undefined);
    collector.take(batch, 0);
    assert.ok(collector.full);
    assert.equal(collector.next, 1);
    const second = new ReadCollector({ from: 1, maxRecords: 5, maxBytes: 100 }, undefined);
    second.take(batch, 0);
    assert.deepEqual([second.full, second.next, second.bytesLeft], [false, 2, 100 - 56]);
  });

  it('keeps the buffer it was given where most of it is wanted, and copies where little is', () => {
    const matcher = new TopicMatchers().for(['b']);
    for (const [wanted, copies] of [
      ['y'.repeat(1000), false],
      ['y', true],
    ] as const) {
      const batch = Buffer.from(
        batchOf({ topic: 'a', payload: 'x'.repeat(500) }, { topic: 'b', payload: wanted }).seal(),
      );
      const collector = new ReadCollector(everythingFrom(0), matcher);
      collector.take(batch, 0);
      collector.detach(batch);
      const [entry] = collector.result(2).entries;
      assert.equal(entry!.buffer !== batch, copies);
      assert.equal(payloadOf(entry!), wanted);
      assert.equal(entry!.offset, 1);
    }
  });
});
