import { systemClock } from '../../base/clock.ts';
import { DISCREET } from '../attribute-policy.ts';
import type { OtlpOptions } from '../export/otlp-settings.ts';
import { startTelemetry, type Telemetry, type TelemetryLimits, type TelemetryOptions } from '../telemetry.ts';
import { KEEP_FAILURES } from './test-exporter.ts';

/** Everything is chosen at the head, nothing waits long, and what fails is tried again at once. */
export const QUICK: TelemetryLimits = {
  maxOpenSpans: 1024,
  exportIntervalMs: 10,
  exportMaxPauseMs: 20,
  shutdownMs: 500,
};

/** Telemetry as a process has it, which exports to `endpoint`; without one it exports nothing. */
export function exportingTelemetry(
  endpoint: string | undefined,
  options: Partial<TelemetryOptions> = {},
  environment: Readonly<Record<string, string>> = {},
  timeoutMs = 10_000,
): Telemetry {
  const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
  const otlp: OtlpOptions = { endpoint: endpoint ?? '', headers: {}, compression: 'none', timeoutMs, tls };
  const telemetry = startTelemetry(
    {
      enable: true,
      destination: endpoint === undefined ? { type: 'none' } : { type: 'otlp', options: otlp },
      broker: { cluster: 'test', brokerId: 'broker-1' },
      attributes: DISCREET,
      ringBytes: 1024 * 1024,
      samplingRate: 1,
      followParent: true,
      keep: KEEP_FAILURES,
      serviceName: 'robustmq',
      serviceVersion: '0.1.0',
      deploymentEnvironment: 'test',
      exportQueueBytes: 1024 * 1024,
      spool: undefined,
      signals: { metrics: false, metricsIntervalMs: 60_000, logs: false, otlp },
      log: { level: 'error', format: 'json' },
      limits: QUICK,
      ...options,
    },
    systemClock,
    environment,
  );
  telemetry.startExporter();
  return telemetry;
}
