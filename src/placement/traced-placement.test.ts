import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { FinishedSpan } from '../telemetry/finished-span.ts';
import { STAGES } from '../telemetry/stage.ts';
import { observationsOf } from '../telemetry/testing/observations.ts';
import { type TestTelemetry, testTelemetry } from '../telemetry/testing/test-telemetry.ts';
import { CONTEXT_BYTES, FLAGS_AT, SAMPLED_FLAG } from '../telemetry/trace-context.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import { TracedPlacement } from './traced-placement.ts';

const sampled = new Uint8Array(CONTEXT_BYTES).fill(7);
sampled[FLAGS_AT] = SAMPLED_FLAG;
const unsampled = new Uint8Array(sampled);
unsampled[FLAGS_AT] = 0;

const put = (key: string, value: string) => ({ type: 'put', key, value: Buffer.from(value) }) as const;

describe('a traced placement', () => {
  let telemetry: TestTelemetry;
  let inner: MemoryPlacement;
  let placement: TracedPlacement;

  /** The store is in memory, but says it is RocksDB: the spans are what is looked at here. */
  beforeEach(() => {
    telemetry = testTelemetry();
    inner = new MemoryPlacement();
    let now = 0;
    placement = new TracedPlacement(inner, 'rocksdb', telemetry.recorder, telemetry.metrics, { now: () => ++now });
  });
  afterEach(async () => {
    await placement.close();
    assert.equal(telemetry.recording.openSpans, 0);
  });

  const attributes = (span: FinishedSpan) =>
    Object.fromEntries(span.attributes.map(({ definition, value }) => [definition.key, value]));
  const names = () => telemetry.spans.map((span) => span.definition.name);

  it('puts the engine operation below the query or update, and that below its caller', async () => {
    await placement.write([put('a/1', 'four')], sampled);
    assert.deepEqual(names(), ['storage/rocksdb.put', 'metadata/update']);
    const [storage, update] = telemetry.spans;
    assert.deepEqual(update!.parent, { type: 'remote', spanId: '0707070707070707' });
    assert.deepEqual(storage!.parent, { type: 'local', spanId: update!.spanId });
    assert.equal(update!.traceId, '07'.repeat(16));
    assert.deepEqual(attributes(storage!), {
      'db.system.name': 'rocksdb',
      'db.operation': 'put',
      'db.operation.name': 'put',
      'db.key': 'a/1',
      'db.value_size': 4,
    });
  });

  it('has a span for each kind of operation', async () => {
    await placement.write([put('a/1', '1'), put('a/2', '22')], sampled);
    await placement.get('a/2', sampled);
    await placement.list('a/', {}, sampled);
    await placement.write([{ type: 'delete', key: 'a/1' }], sampled);
    const storage = telemetry.spans.filter((span) => span.definition.name.startsWith('storage/'));
    assert.deepEqual(
      storage.map((span) => {
        const { 'db.operation': operation, 'db.key': key, 'db.value_size': size } = attributes(span);
        return [span.definition.name, operation, key, size];
      }),
      [
        ['storage/rocksdb.batch', 'batch', undefined, 3],
        ['storage/rocksdb.get', 'get', 'a/2', 2],
        ['storage/rocksdb.scan', 'scan', 'a/', 3],
        ['storage/rocksdb.delete', 'delete', 'a/1', 0],
      ],
    );
    assert.deepEqual(
      names().filter((name) => name.startsWith('metadata/')),
      ['metadata/update', 'metadata/query', 'metadata/query', 'metadata/update'],
    );
  });

  it('has no engine span when the engine is not RocksDB', async () => {
    const memory = new TracedPlacement(inner, 'memory', telemetry.recorder, telemetry.metrics, { now: () => 1 });
    await memory.get('a', sampled);
    assert.deepEqual(names(), ['metadata/query']);
  });

  it('records nothing without a sampled context', async () => {
    await placement.write([put('a', '1')]);
    await placement.get('a', unsampled);
    assert.equal((await placement.list('', {}, unsampled)).length, 1);
    assert.deepEqual(telemetry.spans, []);
  });

  it('times every operation, traced or not, well or ill', async () => {
    await placement.write([put('a', '1')]);
    await placement.get('a', sampled);
    await placement.list('', {}, unsampled);
    await inner.close();
    await assert.rejects(placement.get('a'));
    assert.equal(observationsOf(telemetry.metrics, STAGES.metadataUpdate), 1);
    assert.equal(observationsOf(telemetry.metrics, STAGES.metadataQuery), 3);
  });

  it('records a failure on both spans, and passes it on', async () => {
    await inner.close();
    await assert.rejects(placement.get('a', sampled), { code: 'closed' });
    assert.deepEqual(
      telemetry.spans.map((span) => attributes(span)['error.type']),
      ['closed', 'closed'],
    );
    assert.ok(telemetry.spans.every((span) => span.failure !== null));
  });
});
