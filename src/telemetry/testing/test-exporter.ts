import { DISCREET } from '../attribute-policy.ts';
import { type ExporterEvents, ExporterThread } from '../exporter/exporter-thread.ts';
import { SharedFigures } from '../exporter/shared-figures.ts';
import type { ExporterOptions } from '../exporter/thread-protocol.ts';
import type { Recording } from '../recording.ts';
import type { KeepOptions } from '../sampling/keep-policy.ts';

/** What fails or is dropped, whatever it costs; nothing for being slow. */
export const KEEP_FAILURES: KeepOptions = {
  slowThresholdMs: 0,
  slowQuantile: 0,
  keepErrors: true,
  keepDropped: true,
  keepRedeliveredAfter: 3,
  maxKeptPerSecond: 0,
};

const resource = (name: string) => ({ 'service.name': `robustmq-${name}` });

/** A real exporter's thread that finds what is recorded and sends nothing, unless told to. */
export function testExporter(
  recording: Recording,
  options: Partial<ExporterOptions> = {},
  events: Partial<ExporterEvents> = {},
): ExporterThread {
  const fail = (error: Error): void => {
    throw error;
  };
  const ignored = (): void => undefined;
  return new ExporterThread(
    {
      ring: recording.ring,
      seed: recording.seed,
      figures: SharedFigures.allocate(),
      broker: { cluster: 'test', brokerId: 'broker-1' },
      attributes: DISCREET,
      resources: { broker: resource('broker'), placement: resource('placement'), journal: resource('journal') },
      serviceVersion: '0.1.0',
      destination: { type: 'none' },
      keep: KEEP_FAILURES,
      intervalMs: 50,
      queueBytes: 1024 * 1024,
      maxPauseMs: 200,
      spool: undefined,
      signals: undefined,
      ...options,
    },
    process.env,
    {
      onFailing: ignored,
      onRecovered: ignored,
      onRejected: ignored,
      onSpoolFailing: ignored,
      onExported: ignored,
      onWatched: ignored,
      onSignal: ignored,
      onBroken: fail,
      ...events,
    },
  );
}
