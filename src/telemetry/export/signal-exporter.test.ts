import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { METRICS } from '../catalogue.ts';
import { counterId, Metrics } from '../metrics.ts';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import type { ExportEvents } from './export-events.ts';
import { logsRequest } from './logs-request.ts';
import { metricsRequest } from './metrics-request.ts';
import { otlpSettings } from './otlp-settings.ts';
import type { Signal } from './otlp-target.ts';
import { OtlpTransport } from './otlp-transport.ts';
import { SignalExporter } from './signal-exporter.ts';

const HOUR_MS = 3_600_000;
const UNTOLD: ExportEvents = { onFailing() {}, onRecovered() {}, onRejected() {}, onSpoolFailing() {} };
const resource = resourceFromAttributes({ 'service.name': 'robustmq-broker' });

for (const protocol of ['grpc', 'http'] as const)
  describe(`metrics and logs over ${protocol}`, () => {
    const exporterTo = (receiver: OtlpReceiver, signal: Signal, maxBytes = 1_000_000) => {
      const endpoint = `${protocol}://127.0.0.1:${protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort}`;
      const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
      const options = { endpoint, headers: {}, compression: 'gzip', timeoutMs: 300, tls } as const;
      const transport = new OtlpTransport(otlpSettings(options, {}, signal));
      const limits = { maxBytes, firstPauseMs: HOUR_MS, maxPauseMs: HOUR_MS };
      return new SignalExporter(limits, transport, UNTOLD, () => 0.5);
    };

    it('arrive where the collector expects each of them', async () => {
      await using receiver = await OtlpReceiver.start();
      const metrics = new Metrics();
      metrics.add(counterId(METRICS.tracesTotal));
      const { bytes, points } = metricsRequest(metrics, 2000, { resource, serviceVersion: '0.1.0', startedAt: 1000 });
      const lines = logsRequest(['{"message":"hello"}'], 2000, resource, '0.1.0');
      const ofMetrics = exporterTo(receiver, 'metrics');
      const ofLogs = exporterTo(receiver, 'logs');
      ofMetrics.add(bytes, points);
      ofLogs.add(lines, 1);
      await ofMetrics.close(60_000);
      await ofLogs.close(60_000);
      assert.deepEqual(receiver.metrics.map(Buffer.from), [Buffer.from(bytes)]);
      assert.deepEqual(receiver.logs.map(Buffer.from), [Buffer.from(lines)]);
      assert.deepEqual([ofMetrics.ledger.exportedSpans, ofLogs.ledger.exportedSpans], [points, 1]);
    });

    it('are bounded and counted while the collector is away', async () => {
      await using receiver = await OtlpReceiver.start();
      receiver.behave('reject');
      const exporter = exporterTo(receiver, 'metrics', 250);
      for (let index = 0; index < 5; index += 1) exporter.add(new Uint8Array(100), 10);
      assert.ok(exporter.ledger.queuedBytes <= 250);
      await exporter.close(60_000);
      const { queue_full, shutdown } = exporter.ledger.droppedSpans;
      assert.deepEqual([queue_full, shutdown, exporter.ledger.queuedSpans], [30, 20, 0]);
    });
  });
