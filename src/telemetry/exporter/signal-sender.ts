import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { logsRequest } from '../export/logs-request.ts';
import { metricsRequest } from '../export/metrics-request.ts';
import { otlpSettings } from '../export/otlp-settings.ts';
import { OtlpTransport } from '../export/otlp-transport.ts';
import { SignalExporter } from '../export/signal-exporter.ts';
import { type MetricsSnapshot, readingsOf } from '../metrics-snapshot.ts';
import { type BesideSignal, SignalFigures } from './signal-figures.ts';
import type { ExporterOptions, SignalNotice, SignalOptions } from './thread-protocol.ts';

type SignalSenderOptions = Pick<
  ExporterOptions,
  'signals' | 'resources' | 'serviceVersion' | 'intervalMs' | 'maxPauseMs'
>;
type Post = (notice: SignalNotice) => void;

/** Requests that wait for the collector; of each signal. */
const MAX_QUEUE_BYTES = 4 * 1024 * 1024;

/** Metrics and log lines, as the broker's thread hands them over: encoded and sent. Belongs to the exporter's thread. */
export class SignalSender {
  readonly #options: SignalOptions;
  readonly #figures: SignalFigures;
  /** All of them are the process's: it is one instance of the broker's service, whatever its roles do. */
  readonly #resource: Resource;
  readonly #serviceVersion: string;
  readonly #exporters: ReadonlyMap<BesideSignal, SignalExporter>;

  private constructor(signals: SignalOptions, options: SignalSenderOptions, post: Post, random: () => number) {
    this.#options = signals;
    this.#figures = new SignalFigures(signals.figures);
    this.#resource = resourceFromAttributes(options.resources.broker);
    this.#serviceVersion = options.serviceVersion;
    const limits = { maxBytes: MAX_QUEUE_BYTES, firstPauseMs: options.intervalMs, maxPauseMs: options.maxPauseMs };
    const wanted = (['metrics', 'logs'] as const).filter((signal) => signals[signal]);
    this.#exporters = new Map(
      wanted.map((signal) => {
        const transport = new OtlpTransport(otlpSettings(signals.otlp, process.env, signal));
        return [signal, new SignalExporter(limits, transport, eventsOf(signal, post), random)];
      }),
    );
  }

  /** Undefined where neither is asked for. Settings have been checked by the broker's thread. */
  static from(options: SignalSenderOptions, post: Post, random: () => number): SignalSender | undefined {
    return options.signals && new SignalSender(options.signals, options, post, random);
  }

  metrics(snapshot: MetricsSnapshot): void {
    const { startedAt } = this.#options;
    const parts = { resource: this.#resource, serviceVersion: this.#serviceVersion, startedAt };
    const { bytes, points } = metricsRequest(readingsOf(snapshot), snapshot.at, parts);
    this.#add('metrics', bytes, points);
  }

  /** @param at when they were handed over */
  logLines(lines: readonly string[], at: number): void {
    const bytes = logsRequest(lines, at, this.#resource, this.#serviceVersion);
    this.#add('logs', bytes, lines.length);
  }

  publishFigures(): void {
    for (const [signal, { ledger }] of this.#exporters) this.#figures.writeLedger(signal, ledger);
  }

  async close(limitMs: number): Promise<void> {
    await Promise.all([...this.#exporters.values()].map((exporter) => exporter.close(limitMs)));
  }

  #add(signal: BesideSignal, bytes: Uint8Array, items: number): void {
    this.#figures.addTaken(signal, items);
    this.#exporters.get(signal)?.add(bytes, items);
  }
}

function eventsOf(signal: BesideSignal, post: Post) {
  return {
    onFailing: (destination: string, message: string) => post({ type: 'signal_failing', signal, destination, message }),
    onRecovered: (destination: string, dropped: number) =>
      post({ type: 'signal_recovered', signal, destination, dropped }),
    onRejected: (destination: string, items: number, message: string) =>
      post({ type: 'signal_rejected', signal, destination, items, message }),
    // They have no spool.
    onSpoolFailing: () => undefined,
  };
}
