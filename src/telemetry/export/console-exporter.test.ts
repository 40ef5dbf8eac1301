import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodedBatch } from '../testing/span-batches.ts';
import { ConsoleExporter } from './console-exporter.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const id = (hex: string) => Buffer.from(hex, 'hex');

describe('the console exporter', () => {
  it('writes each span as a line of JSON', async () => {
    const batch = encodedBatch([
      {
        traceId: id(TRACE_ID),
        spanId: id('b7ad6b7169203331'),
        parentSpanId: id('00f067aa0ba902b7'),
        name: 'journal/write',
        kind: 3,
        startTimeUnixNano: '1700000000000250000',
        endTimeUnixNano: '1700000000002000000',
        attributes: [
          { key: 'shard', value: { stringValue: 'default' } },
          { key: 'records', value: { intValue: 3 } },
          { key: 'filters', value: { arrayValue: { values: [{ stringValue: 'a/#' }] } } },
        ],
        links: [{ traceId: id(TRACE_ID), spanId: id('00f067aa0ba902b7') }],
        status: { code: 2, message: 'no room' },
      },
      { traceId: id(TRACE_ID), spanId: id('b7ad6b7169203331'), name: 'mqtt/publish', kind: 2 },
    ]);
    const lines: string[] = [];
    const result = await new ConsoleExporter((line) => lines.push(line)).send(batch);
    assert.deepEqual(result, { type: 'taken', rejectedSpans: 0, message: '' });
    const [write, publish] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(write, {
      traceId: TRACE_ID,
      spanId: 'b7ad6b7169203331',
      parentSpanId: '00f067aa0ba902b7',
      name: 'journal/write',
      kind: 'client',
      service: 'robustmq-broker',
      startedAt: 1700000000000.25,
      durationMs: 1.75,
      status: { code: 'error', message: 'no room' },
      attributes: { shard: 'default', records: 3, filters: ['a/#'] },
      events: [],
      links: [{ traceId: TRACE_ID, spanId: '00f067aa0ba902b7' }],
    });
    assert.deepEqual([publish.parentSpanId, publish.kind, publish.status], [null, 'server', { code: 'unset' }]);
  });

  it('refuses what is no request', async () => {
    const batch = { bytes: Buffer.from([0x0a, 0xff]), spans: 1, traces: 1 };
    assert.equal((await new ConsoleExporter(() => assert.fail()).send(batch)).type, 'rejected');
  });
});
