import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ExportLedger } from '../export/export-ledger.ts';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import { spanBatch } from '../testing/span-batches.ts';
import { BATCH_BYTES, Outbound } from './outbound.ts';
import type { ExporterNotice, ExporterOptions } from './thread-protocol.ts';

const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
const EXEMPLAR = { operation: 'publish', durationMs: 1, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), at: 1 };

async function outboundTo(endpoint: string) {
  const ledger = new ExportLedger();
  const notices: ExporterNotice[] = [];
  const options = { endpoint, headers: {}, compression: 'none' as const, timeoutMs: 10_000, tls };
  const destination = { type: 'otlp' as const, options };
  const queue = { queueBytes: 16 * BATCH_BYTES, intervalMs: 5, maxPauseMs: 10, spool: undefined };
  const outbound = await Outbound.start({ ...queue, destination } as ExporterOptions, ledger, (notice) =>
    notices.push(notice),
  );
  return { outbound: outbound!, ledger, notices };
}

describe('what is on its way out', () => {
  it('is nothing where nothing leaves', async () => {
    const options = { destination: { type: 'none' } } as ExporterOptions;
    assert.equal(await Outbound.start(options, new ExportLedger(), () => undefined), undefined);
  });

  it('tells of exemplars and gives memory back once the collector has a batch, and not before', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('reject');
    const { outbound, ledger, notices } = await outboundTo(`http://127.0.0.1:${receiver.httpPort}`);
    const { bytes } = spanBatch('one');
    const memory = outbound.take(bytes.length);
    memory.set(bytes);
    outbound.add({ bytes: memory, spans: 1, traces: 1 }, [EXEMPLAR]);
    while (receiver.requests === 0) await setImmediate();
    assert.notEqual(outbound.take(1).buffer, memory.buffer);
    receiver.behave('accept');
    await outbound.close(5000);
    assert.equal(ledger.exportedSpans, 1);
    assert.deepEqual(
      notices.filter(({ type }) => type === 'exported'),
      [{ type: 'exported', exemplars: [EXEMPLAR] }],
    );
  });

  it('is slower than what comes while much of it waits for a collector that takes it', async () => {
    await using receiver = await OtlpReceiver.start();
    const { outbound } = await outboundTo(`http://127.0.0.1:${receiver.httpPort}`);
    assert.equal(outbound.isSlower, false);
    const { bytes } = spanBatch('large', 1, BATCH_BYTES);
    for (let each = 0; each < 4; each += 1) outbound.add({ bytes, spans: 1, traces: 1 }, []);
    assert.equal(outbound.isSlower, true);
    await outbound.close(10_000);
    assert.equal(outbound.isSlower, false);
  });
});
