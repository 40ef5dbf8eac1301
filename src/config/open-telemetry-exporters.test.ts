import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from './load-config.ts';

const telemetry = (environment: Record<string, string>, set: string[] = []) =>
  loadConfig({ environment, flags: { set } }).telemetry;

describe("OpenTelemetry's variables for exporters", () => {
  it('say which signals leave, and how often metrics do', () => {
    const { exporterType, metricsExporter, logsExporter, metricsIntervalMs } = telemetry({
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '5000',
    });
    assert.deepEqual(
      [exporterType, metricsExporter, logsExporter, metricsIntervalMs],
      ['console', 'otlp', 'otlp', 5000],
    );
  });

  it('may list several; Prometheus is served in any case', () => {
    const exporter = (OTEL_METRICS_EXPORTER: string) => telemetry({ OTEL_METRICS_EXPORTER }).metricsExporter;
    assert.equal(exporter('prometheus,otlp'), 'otlp');
    assert.equal(exporter('prometheus'), 'none');
    assert.equal(exporter(' '), 'none');
    assert.throws(
      () => exporter('otlp,none'),
      /OTEL_METRICS_EXPORTER = "otlp,none": must be one of otlp, none, prometheus/,
    );
    assert.throws(() => exporter('constructor'), /must be one of/);
  });

  it('lose to a flag', () => {
    const { metricsExporter } = telemetry({ OTEL_METRICS_EXPORTER: 'otlp' }, ['telemetry.metrics_exporter=none']);
    assert.equal(metricsExporter, 'none');
  });

  it('are overruled where the SDK is disabled, which is so for every signal', () => {
    const { enable, metricsExporter, logsExporter } = telemetry({
      OTEL_SDK_DISABLED: 'true',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
    });
    assert.deepEqual([enable, metricsExporter, logsExporter], [false, 'none', 'none']);
  });

  it('that say no number for the interval are refused', () => {
    assert.throws(() => telemetry({ OTEL_METRIC_EXPORT_INTERVAL: 'often' }), /OTEL_METRIC_EXPORT_INTERVAL\): must be/);
  });
});
