import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, SPANS } from '../catalogue.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { CONTEXT_BYTES, traceIdOf } from '../trace-context.ts';
import type { Commit } from './commit-recorder.ts';
import { MessageEntry } from './message-entry.ts';
import { messageContext } from './message-recorder.ts';

function setUp() {
  const telemetry = testTelemetry({ ringBytes: 8 << 20 });
  const { texts, messages, commits } = telemetry.recording;
  const commit: Commit = {
    begunAt: 10,
    writtenAt: 20,
    indexedAt: 25,
    committedAt: 40,
    baseOffset: 2 ** 40,
    bytes: 4096,
    records: 9,
    shard: texts.of('messages-0'),
    segment: texts.of('17'),
    failure: 0,
  };
  /** Contexts of messages as they lie in a batch, and where. */
  const contexts = (count: number) => {
    const bytes = new Uint8Array(count * CONTEXT_BYTES);
    const places = Array.from({ length: count }, (_, index) => {
      const context = messageContext();
      messages.begin(new MessageEntry(), context);
      bytes.set(context.bytes, index * CONTEXT_BYTES);
      return index * CONTEXT_BYTES;
    });
    return { bytes, places };
  };
  return { ...telemetry, telemetry, commit, commits, contexts, messages };
}

function attributeOf({ attributes }: FinishedSpan, wanted: AttributeDefinition) {
  return attributes.find(({ definition }) => definition === wanted)?.value;
}

const lastByteOf = (id: string) => Number.parseInt(id.slice(-2), 16);

describe('a group commit', () => {
  it('is part of the trace of each of its messages, and one span that is linked to them', () => {
    const { commits, commit, contexts, telemetry, recording } = setUp();
    const { bytes, places } = contexts(3);
    commits.commit(commit, bytes, places);
    const { spans } = telemetry;
    assert.deepEqual([spans.length, recording.recordedSpans], [3 * 4 + 1, 3 * 4 + 1]);
    const [write, append, index, storage] = spans;
    assert.deepEqual(
      [write, append, index, storage].map((span) => [span!.definition, span!.startedAt, span!.endedAt]),
      [
        [SPANS.journalWrite, 10, 40],
        [SPANS.segmentAppend, 10, 20],
        [SPANS.indexUpdate, 20, 25],
        [SPANS.storageJournalWrite, 10, 40],
      ],
    );
    assert.equal(write!.traceId, traceIdOf(bytes, places[0]));
    assert.equal(attributeOf(storage!, ATTRIBUTES.storageOffset), 2 ** 40);
    assert.equal(attributeOf(storage!, ATTRIBUTES.storageSegmentId), '17');
    const shared = spans.find(({ definition }) => definition === SPANS.journalCommit)!;
    assert.deepEqual(
      shared.links.map(({ traceId }) => traceId),
      places.map((place) => traceIdOf(bytes, place)),
    );
    assert.ok(shared.links.every(({ sampled, spanId }) => sampled && lastByteOf(spanId) === 1));
    assert.equal(attributeOf(shared, ATTRIBUTES.journalBatchRecords), 9);
  });

  it('that fails says so on what failed, and has no commit', () => {
    const { commits, commit, contexts, telemetry, recording, messages } = setUp();
    const { bytes, places } = contexts(2);
    const failure = messages.failure('io_error', 'the disk is full', new TypeError('ENOSPC'));
    commits.commit({ ...commit, failure }, bytes, places);
    const { spans } = telemetry;
    assert.deepEqual([spans.length, recording.recordedSpans], [4, 4]);
    for (const span of spans) {
      assert.equal(span.failure?.message, 'the disk is full');
      assert.equal(span.failure?.thrown?.type, 'TypeError');
      assert.equal(attributeOf(span, ATTRIBUTES.errorType), 'io_error');
    }
  });

  it('shows as many spans as were counted, each with an id of its own, however many records it has', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(200), fc.constantFrom(2725, 2726, 2727, 5453)), (count) => {
        const { commits, commit, contexts, telemetry, recording } = setUp();
        const { bytes, places } = contexts(count);
        commits.commit(commit, bytes, places);
        const { spans } = telemetry;
        assert.equal(spans.length, recording.recordedSpans);
        assert.equal(spans.filter(({ definition }) => definition === SPANS.journalCommit).length, count > 0 ? 1 : 0);
        assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
      }),
      { numRuns: 15 },
    );
  });
});
