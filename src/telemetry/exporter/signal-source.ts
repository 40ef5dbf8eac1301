import type { Clock } from '../../base/clock.ts';
import { LOG_EVENTS } from '../catalogue.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { takeSnapshot } from '../metrics-snapshot.ts';
import type { ExporterThread } from './exporter-thread.ts';
import type { LogLines } from './log-lines.ts';
import type { BesideSignal, SignalFigures } from './signal-figures.ts';
import type { SignalNotice } from './thread-protocol.ts';

export interface SignalSourceParts {
  readonly metrics: Metrics;
  /** Undefined: metrics do not leave by OTLP. */
  readonly metricsIntervalMs: number | undefined;
  /** Undefined: the log does not. */
  readonly lines: LogLines | undefined;
  readonly figures: SignalFigures;
  readonly log: Log;
  readonly clock: Clock;
}

/** The broker's side of metrics and logs that leave by OTLP: hands them to the exporter's thread, and tells of its trouble. */
export class SignalSource {
  readonly #parts: SignalSourceParts;
  readonly #failingSince = new Map<BesideSignal, number>();
  #thread: ExporterThread | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SignalSourceParts) {
    this.#parts = parts;
  }

  start(thread: ExporterThread): void {
    const { metricsIntervalMs, lines, figures, clock } = this.#parts;
    this.#thread = thread;
    if (metricsIntervalMs !== undefined)
      this.#timer = setInterval(() => this.#handMetrics(), metricsIntervalMs).unref();
    lines?.start({
      take: (batch) => thread.logLines(batch, clock.now()),
      get taken() {
        return figures.get('logs', 'taken');
      },
    });
  }

  /** Hands over the last figures and lines; the thread sends them while it closes. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#handMetrics();
    this.#timer = undefined;
    this.#parts.lines?.close();
  }

  /** The thread is gone. */
  lose(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#parts.lines?.lose();
  }

  onNotice(notice: SignalNotice): void {
    const { lines } = this.#parts;
    if (notice.signal === 'logs' && lines !== undefined) lines.muted(() => this.#tell(notice));
    else this.#tell(notice);
  }

  #handMetrics(): void {
    const { metrics, clock } = this.#parts;
    this.#thread!.metrics(takeSnapshot(metrics, clock.now()));
  }

  #tell(notice: SignalNotice): void {
    const { log, clock } = this.#parts;
    const { signal, destination } = notice;
    switch (notice.type) {
      case 'signal_failing':
        this.#failingSince.set(signal, clock.now());
        log.write(LOG_EVENTS.exportSignalFailing, { signal, destination, reason: notice.message });
        return;
      case 'signal_recovered': {
        const outageMs = Math.round(clock.now() - this.#failingSince.get(signal)!);
        log.write(LOG_EVENTS.exportSignalRecovered, { signal, destination, dropped: notice.dropped, outageMs });
        return;
      }
      case 'signal_rejected':
        log.write(LOG_EVENTS.exportSignalRejected, {
          signal,
          destination,
          items: notice.items,
          reason: notice.message,
        });
    }
  }
}
