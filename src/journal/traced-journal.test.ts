import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { SPANS } from '../telemetry/catalogue.ts';
import type { FinishedSpan } from '../telemetry/finished-span.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { PooledRecorder } from '../telemetry/pooled-recorder.ts';
import { Random } from '../telemetry/random.ts';
import { ratioSampler } from '../telemetry/sampler.ts';
import { CONTEXT_BYTES, spanIdOf, traceIdOf } from '../telemetry/trace-context.ts';
import { MemoryJournal } from './engines/memory/memory-journal.ts';
import { JournalError } from './journal.ts';
import type { RecordBatch } from './record-batch.ts';
import { describeJournalContract } from './testing/journal-contract.ts';
import { payloads } from './testing/records.ts';
import { TracedJournal } from './traced-journal.ts';

async function setUp(maxBytes = 1e6) {
  const finished: FinishedSpan[] = [];
  const recorder = new PooledRecorder(
    { sampler: ratioSampler(1), maxOpenSpans: 1000 },
    new Random([1, 2, 3, 4]),
    new Metrics(),
    (span) => finished.push(span),
  );
  const journal = new TracedJournal(new MemoryJournal({ clock: systemClock, maxBytes }), recorder, systemClock);
  await journal.createShard({ name: 's', durable: false });
  const newContext = () => {
    const context = new Uint8Array(CONTEXT_BYTES);
    const span = recorder.root(SPANS.mqttPublish, 1);
    recorder.context(span, context, 0);
    recorder.end(span, 1);
    return context;
  };
  const trace = (batch: RecordBatch, count: number) => {
    for (let index = 0; index < count; index += 1) batch.traced.push({ position: 48, context: newContext() });
    finished.length = 0;
    return batch.traced.map(({ context }) => context);
  };
  return { journal, recorder, finished, trace };
}

const attributesOf = (span: FinishedSpan) =>
  Object.fromEntries(span.attributes.map(({ definition, value }) => [definition.key, value]));

describeJournalContract('traced journal', false, async () => ({
  journal: (await setUp()).journal,
  dispose: async () => {},
}));

describe('a traced journal', () => {
  it('records nothing for a batch without traced records', async () => {
    const { journal, finished } = await setUp();
    await journal.append('s', payloads('a'));
    assert.deepEqual(finished, []);
    await journal.close();
  });

  it('puts the storage spans of a record below its context', async () => {
    const { journal, finished, trace, recorder } = await setUp();
    await journal.append('s', payloads('before'));
    const batch = payloads('a', 'b');
    const [context] = trace(batch, 1);
    const result = await journal.append('s', batch);
    const write = finished.find(({ definition }) => definition === SPANS.journalWrite)!;
    assert.equal(write.traceId, traceIdOf(context!));
    assert.deepEqual(write.parent, { type: 'remote', spanId: spanIdOf(context!) });
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
    assert.equal(recorder.openSpans, 0);
    await journal.close();
  });

  it('links one commit to every record it carried, as many as a span holds, and counts all', async () => {
    const { journal, finished, trace } = await setUp();
    const batch = payloads(...Array.from({ length: 200 }, String));
    const contexts = trace(batch, 150);
    await journal.append('s', batch);
    const commits = finished.filter(({ definition }) => definition === SPANS.journalCommit);
    assert.equal(commits.length, 1);
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
    const { journal, finished, trace } = await setUp(100);
    const batch = payloads('x'.repeat(100));
    const [context] = trace(batch, 1);
    await assert.rejects(journal.append('s', batch), JournalError);
    assert.deepEqual(
      finished.map(({ definition }) => definition),
      [SPANS.storageJournalWrite, SPANS.journalWrite],
    );
    for (const span of finished) {
      assert.equal(span.traceId, traceIdOf(context!));
      assert.equal(attributesOf(span)['error.type'], 'too_large');
      assert.equal(span.failure?.thrown?.type, 'JournalError.too_large');
    }
    assert.equal(attributesOf(finished[0]!)['storage.success'], false);
    await journal.close();
  });
});
