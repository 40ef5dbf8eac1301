import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { SPANS } from '../telemetry/catalogue.ts';
import type { FinishedSpan } from '../telemetry/finished-span.ts';
import { messageContext } from '../telemetry/records/message-recorder.ts';
import { STAGE } from '../telemetry/records/record-kinds.ts';
import { TraceIds } from '../telemetry/records/trace-ids.ts';
import { testTelemetry } from '../telemetry/testing/test-telemetry.ts';
import { FLAGS_AT, SAMPLED_FLAG, spanIdOf, traceIdOf } from '../telemetry/trace-context.ts';
import { MemoryJournal } from './engines/memory/memory-journal.ts';
import { JournalError } from './journal.ts';
import { RecordBatch } from './record-batch.ts';
import { describeJournalContract } from './testing/journal-contract.ts';
import { addRecord, payloads } from './testing/records.ts';
import { TracedJournal } from './traced-journal.ts';

const SEED = Uint32Array.from([1, 2, 3, 4, 5, 6]);

async function setUp(maxBytes = 1e6) {
  const telemetry = testTelemetry();
  const { recording, metrics } = telemetry;
  const memory = new MemoryJournal({ clock: systemClock, maxBytes });
  const journal = new TracedJournal(memory, recording, metrics, systemClock);
  await journal.createShard({ name: 's', durable: false });
  /** A batch of messages, of which the first are traced; returns their contexts too. */
  const batchWith = (texts: readonly string[], traced: number) => {
    const batch = new RecordBatch();
    const contexts: Uint8Array[] = [];
    for (const payload of texts) {
      const context = messageContext();
      if (contexts.length < traced) {
        new TraceIds(SEED).write(contexts.push(context.bytes), context.words, 0);
        context.bytes[FLAGS_AT] = SAMPLED_FLAG;
        addRecord(batch, { topic: 't', payload, context: context.bytes });
      } else addRecord(batch, { topic: 't', payload });
    }
    return { batch, contexts };
  };
  return { journal, telemetry, batchWith };
}

/** What the record's message is stored below: the span `storage/persist` of the same record. */
function persistIdOf(context: Uint8Array): string {
  return `${spanIdOf(context).slice(0, -2)}${STAGE.persist.toString(16).padStart(2, '0')}`;
}

const attributesOf = (span: FinishedSpan) =>
  Object.fromEntries(span.attributes.map(({ definition, value }) => [definition.key, value]));

describeJournalContract('traced journal', false, async () => ({
  journal: (await setUp()).journal,
  dispose: async () => {},
}));

describe('a traced journal', () => {
  it('records nothing for a batch without traced records', async () => {
    const { journal, telemetry } = await setUp();
    await journal.append('s', payloads('a'));
    assert.deepEqual(telemetry.spans, []);
    await journal.close();
  });

  it('puts the storage spans of a record below its context', async () => {
    const { journal, telemetry, batchWith } = await setUp();
    await journal.append('s', payloads('before'));
    const { batch, contexts } = batchWith(['a', 'b'], 1);
    const [context] = contexts;
    const result = await journal.append('s', batch);
    const finished = telemetry.spans;
    const write = finished.find(({ definition }) => definition === SPANS.journalWrite)!;
    assert.equal(write.traceId, traceIdOf(context!));
    assert.deepEqual(write.parent, { type: 'remote', spanId: persistIdOf(context!) });
    assert.deepEqual([write.startedAt, write.endedAt], [result.startedAt, result.committedAt]);
    assert.deepEqual(attributesOf(write), { 'robustmq.journal.shard': 's' });
    for (const definition of [SPANS.segmentAppend, SPANS.indexUpdate, SPANS.storageJournalWrite]) {
      const span = finished.find((other) => other.definition === definition)!;
      assert.deepEqual(span.parent, { type: 'local', spanId: write.spanId });
      assert.equal(span.traceId, write.traceId);
    }
    const storage = finished.find(({ definition }) => definition === SPANS.storageJournalWrite)!;
    assert.deepEqual(attributesOf(storage), {
      'storage.operation': 'append',
      'storage.data_size': result.bytes,
      'storage.segment_id': '0',
      'storage.offset': 1,
      'storage.success': true,
    });
    assert.equal(telemetry.recording.openSpans, 0);
    await journal.close();
  });

  it('links one commit to every record it carried, as many as a span holds, and counts all', async () => {
    const { journal, telemetry, batchWith } = await setUp();
    const { batch, contexts } = batchWith(Array.from({ length: 200 }, String), 150);
    await journal.append('s', batch);
    const finished = telemetry.spans;
    const commits = finished.filter(({ definition }) => definition === SPANS.journalCommit);
    assert.equal(commits.length, 1);
    assert.equal(commits[0]!.traceId, traceIdOf(contexts[0]!));
    assert.deepEqual(commits[0]!.parent, { type: 'remote', spanId: persistIdOf(contexts[0]!) });
    const links = commits[0]!.links.map(({ traceId, spanId }) => [traceId, spanId]);
    assert.deepEqual(
      links,
      contexts.slice(0, 128).map((context) => [traceIdOf(context), spanIdOf(context)]),
    );
    assert.deepEqual(attributesOf(commits[0]!), {
      'robustmq.journal.shard': 's',
      'robustmq.journal.batch_records': 200,
      'robustmq.linked_messages': 150,
    });
    assert.equal(finished.filter(({ definition }) => definition === SPANS.journalWrite).length, 150);
    await journal.close();
  });

  it('records why an append failed', async () => {
    const { journal, telemetry, batchWith } = await setUp(100);
    const { batch, contexts } = batchWith(['x'.repeat(100)], 1);
    const [context] = contexts;
    await assert.rejects(journal.append('s', batch), JournalError);
    const finished = telemetry.spans;
    assert.deepEqual(
      finished.map(({ definition }) => definition),
      [SPANS.journalWrite, SPANS.storageJournalWrite],
    );
    for (const span of finished) {
      assert.equal(span.traceId, traceIdOf(context!));
      assert.equal(attributesOf(span)['error.type'], 'too_large');
      assert.equal(span.failure?.thrown?.type, 'JournalError.too_large');
    }
    assert.equal(attributesOf(finished[1]!)['storage.success'], false);
    await journal.close();
  });
});
