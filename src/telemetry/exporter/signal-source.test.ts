import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { METRICS } from '../catalogue.ts';
import { counterId } from '../metrics.ts';
import { OtlpReceiver } from '../testing/otlp-receiver.ts';
import { decodeLogsRequest, decodeMetricsRequest, sumsOf } from '../testing/otlp-signals.ts';
import { testExporter } from '../testing/test-exporter.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { LogLines } from './log-lines.ts';
import { SignalFigures } from './signal-figures.ts';
import { SignalSource } from './signal-source.ts';

const OUTAGE = { destination: 'grpc://collector', signal: 'logs' } as const;

describe('the broker’s side of metrics and logs', () => {
  it('hands the last figures and lines over before the thread closes, which sends them', async () => {
    await using receiver = await OtlpReceiver.start();
    const { metrics, recording, log } = testTelemetry();
    const memory = SignalFigures.allocate();
    const figures = new SignalFigures(memory);
    const lines = new LogLines();
    const source = new SignalSource({ metrics, metricsIntervalMs: 60_000, lines, figures, log, clock: systemClock });
    const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
    const endpoint = `grpc://127.0.0.1:${receiver.grpcPort}`;
    const otlp = { endpoint, headers: {}, compression: 'none', timeoutMs: 10_000, tls } as const;
    const thread = testExporter(recording, {
      signals: { metrics: true, logs: true, otlp, figures: memory, startedAt: 0 },
    });
    lines.add('{"event":"early"}');
    source.start(thread);
    lines.add('{"event":"late"}');
    metrics.add(counterId(METRICS.messagesReceivedTotal, '1'), 5);
    source.close();
    await thread.close(60_000);
    const events = receiver.logs.flatMap((request) =>
      decodeLogsRequest(request).records.map(({ eventName }) => eventName),
    );
    assert.deepEqual(events, ['early', 'late']);
    const [last] = receiver.metrics.map((request) => sumsOf(decodeMetricsRequest(request).metrics));
    assert.equal(last!.get('robustmq_messages_received_total{qos="1"}'), 5);
    assert.deepEqual([figures.get('logs', 'taken'), figures.get('logs', 'exported')], [2, 2]);
  });

  it('tells of an outage, its end, and what the collector did not take', () => {
    const { metrics, log, logLines } = testTelemetry();
    const figures = new SignalFigures(SignalFigures.allocate());
    const parts = { metrics, metricsIntervalMs: undefined, lines: undefined, figures, log, clock: systemClock };
    const source = new SignalSource(parts);
    source.onNotice({ type: 'signal_failing', ...OUTAGE, message: 'refused' });
    source.onNotice({ type: 'signal_recovered', ...OUTAGE, dropped: 3 });
    source.onNotice({ type: 'signal_rejected', ...OUTAGE, items: 7, message: 'bad data' });
    assert.partialDeepStrictEqual(logLines, [
      { event: 'export.signal_failing', signal: 'logs', destination: 'grpc://collector', reason: 'refused' },
      { event: 'export.signal_recovered', signal: 'logs', dropped: 3 },
      { event: 'export.signal_rejected', signal: 'logs', items: 7, reason: 'bad data' },
    ]);
  });
});
