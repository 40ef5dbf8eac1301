import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { AttributePolicy } from './attribute-policy.ts';
import { LOG_EVENTS, ROLES, type Role } from './catalogue.ts';
import { type OtlpOptions, otlpSettings } from './export/otlp-settings.ts';
import { requireCumulative } from './export/temporality.ts';
import { exporterFigures } from './exporter/exporter-figures.ts';
import { type ExporterEvents, ExporterThread } from './exporter/exporter-thread.ts';
import { LogLines } from './exporter/log-lines.ts';
import { SharedFigures } from './exporter/shared-figures.ts';
import { declareSignalFigures, SignalFigures } from './exporter/signal-figures.ts';
import { SignalSource } from './exporter/signal-source.ts';
import type { Destination, ExporterOptions, SignalOptions } from './exporter/thread-protocol.ts';
import { createLog, type Log, type LogOptions } from './log.ts';
import { Metrics } from './metrics.ts';
import { type Operation, operationMetrics } from './operation.ts';
import { PrometheusExposition } from './prometheus.ts';
import type { Recorder } from './recorder.ts';
import { Recording } from './recording.ts';
import type { BrokerIdentity } from './records/expand/common-attributes.ts';
import { type Resources, resourcesFrom } from './resources.ts';
import type { HeadRule } from './sampling/head-rules.ts';
import { startHeadTicks } from './sampling/head-ticks.ts';
import type { KeepOptions } from './sampling/keep-policy.ts';
import type { WatchCount } from './sampling/watch-rules.ts';
import type { ServiceNamer } from './trace-document.ts';

export interface TelemetryOptions {
  /** False records no span; metrics and log go on, and leave by OTLP where they are asked for. */
  readonly enable: boolean;
  readonly destination: Destination;
  readonly broker: BrokerIdentity;
  readonly attributes: AttributePolicy;
  readonly ringBytes: number;
  /** Share of new traces that is chosen at the head, 0 to 1. */
  readonly samplingRate: number;
  /** Whether a caller's sampled flag decides for the trace it continues. */
  readonly followParent: boolean;
  /** Rates of their own. */
  readonly rules?: readonly HeadRule[];
  /** That the rates may choose; 0: no limit. */
  readonly maxTracesPerSecond?: number;
  readonly keep: KeepOptions;
  /** Prefix of `service.name`. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly deploymentEnvironment: string;
  /** Bound of what waits in memory for the collector. */
  readonly exportQueueBytes: number;
  readonly spool: ExporterOptions['spool'];
  /** What leaves by OTLP beside traces, with or without them. */
  readonly signals: {
    readonly metrics: boolean;
    readonly metricsIntervalMs: number;
    readonly logs: boolean;
    readonly otlp: OtlpOptions;
  };
  readonly log: LogOptions;
  readonly limits?: Partial<TelemetryLimits>;
}

/** What no user has to set. */
export interface TelemetryLimits {
  readonly maxOpenSpans: number;
  /** How long a span waits for others to join its request; `OTEL_BSP_SCHEDULE_DELAY` says it too. */
  readonly exportIntervalMs: number;
  /** Longest pause between attempts while the collector is away. */
  readonly exportMaxPauseMs: number;
  /** For the last spans, when telemetry is shut down. */
  readonly shutdownMs: number;
}

const LIMITS: TelemetryLimits = {
  maxOpenSpans: 32_768,
  exportIntervalMs: 1000,
  exportMaxPauseMs: 30_000,
  shutdownMs: 2000,
};

export interface Telemetry {
  readonly recording: Recording;
  /** Of spans that are not a message's own: `recording.spans`. */
  readonly recorder: Recorder;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly exposition: PrometheusExposition;
  /** Starts the exporter's thread: once the process has its data directory for itself. */
  startExporter(): void;
  /** Decides, exports, and finds what was recorded; undefined where nothing is, and before it is started. */
  readonly exporter: ExporterThread | undefined;
  /** `service.name` of each role. */
  readonly serviceName: ServiceNamer;
  /** Whom the exporter tells how many traces each watch rule kept. */
  onWatched(listener: (counts: readonly WatchCount[]) => void): void;
  /** Sends what is kept, within a limit; settles once the exporter's thread has ended. Safe to call twice. */
  shutdown(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Telemetry of one process. The environment is read for OpenTelemetry's variables; a bad endpoint throws OtlpTargetError.
 */
export function startTelemetry(
  options: TelemetryOptions,
  clock: Clock,
  environment: Environment = process.env,
): Telemetry {
  const limits = { ...LIMITS, ...scheduleDelayFrom(environment), ...options.limits };
  checkTelemetrySettings(options, environment);
  const metrics = new Metrics();
  const resources = resourcesFrom({ ...options, serviceInstanceId: randomUUID() }, environment);
  const exposition = new PrometheusExposition(metrics);
  const { enable: enabled, samplingRate: rate, maxTracesPerSecond = 0 } = options;
  const recording = new Recording({ ...options, enabled, maxOpenSpans: limits.maxOpenSpans, rate }, metrics);
  const endTicks = enabled && maxTracesPerSecond > 0 ? startHeadTicks(recording.head.sampler, clock) : () => undefined;
  const figures = SharedFigures.allocate();
  const beside = signalsFrom(options, metrics, clock);
  const { signals, log } = beside;
  exporterFigures(metrics, recording, new SharedFigures(figures), beside.figures);
  let onWatched: (counts: readonly WatchCount[]) => void = () => undefined;
  const events = {
    ...loggedEvents(log, clock, signals),
    ...exemplarsFor(exposition),
    onWatched: (counts: readonly WatchCount[]) => onWatched(counts),
  };
  let thread: ExporterThread | undefined;
  let ended: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    endTicks();
    signals.close();
    await thread?.close(limits.shutdownMs);
    exposition.close();
  };
  return {
    recording,
    recorder: recording.spans,
    metrics,
    log,
    exposition,
    startExporter() {
      if (!enabled && beside.options === undefined) return;
      const exporterParts = exporterOptions(options, limits, recording, resources, figures);
      thread = new ExporterThread({ ...exporterParts, signals: beside.options }, environment, events);
      signals.start(thread);
    },
    get exporter() {
      return enabled ? thread : undefined;
    },
    serviceName: (role) => String(resources[role].attributes['service.name']),
    onWatched: (listener) => {
      onWatched = listener;
    },
    shutdown() {
      ended ??= end();
      return ended;
    },
  };
}

/** What is wrong with an endpoint, a certificate or a header is said here, before anything runs. */
export function checkTelemetrySettings(
  { enable, destination, signals }: TelemetryOptions,
  environment: Environment,
): void {
  if (enable && destination.type === 'otlp') otlpSettings(destination.options, environment);
  if (signals.metrics) {
    otlpSettings(signals.otlp, environment, 'metrics');
    requireCumulative(environment);
  }
  if (signals.logs) otlpSettings(signals.otlp, environment, 'logs');
}

/** The log, and the way out for it and for metrics. */
function signalsFrom(options: TelemetryOptions, metrics: Metrics, clock: Clock) {
  const { metrics: sendsMetrics, logs: sendsLogs, metricsIntervalMs, otlp } = options.signals;
  const memory = SignalFigures.allocate();
  const figures = new SignalFigures(memory);
  const lines = sendsLogs ? new LogLines() : undefined;
  const log = createLog(options.log, clock, undefined, lines && ((line) => lines.add(line)));
  const interval = sendsMetrics ? metricsIntervalMs : undefined;
  const signals = new SignalSource({ metrics, metricsIntervalMs: interval, lines, figures, log, clock });
  declareSignalFigures(metrics, figures, (reason) => lines?.dropped(reason) ?? 0);
  const startedAt = clock.now();
  const forThread: SignalOptions | undefined =
    sendsMetrics || sendsLogs
      ? { metrics: sendsMetrics, logs: sendsLogs, otlp, figures: memory, startedAt }
      : undefined;
  return { signals, log, figures, options: forThread };
}

function exporterOptions(
  options: TelemetryOptions,
  limits: TelemetryLimits,
  recording: Recording,
  resources: Resources,
  figures: SharedArrayBuffer,
): Omit<ExporterOptions, 'signals'> {
  const { enable, broker, attributes, destination, serviceVersion, keep, exportQueueBytes, spool } = options;
  return {
    ring: recording.ring,
    seed: recording.seed,
    figures,
    broker,
    attributes,
    resources: Object.fromEntries(ROLES.map((role) => [role, resources[role].attributes])) as Record<
      Role,
      ExporterOptions['resources'][Role]
    >,
    serviceVersion,
    destination: enable ? destination : { type: 'none' },
    keep,
    intervalMs: limits.exportIntervalMs,
    queueBytes: exportQueueBytes,
    maxPauseMs: limits.exportMaxPauseMs,
    spool,
  };
}

/** How long a span waits for others: OpenTelemetry's variable for it. */
function scheduleDelayFrom({ OTEL_BSP_SCHEDULE_DELAY }: Environment): Partial<TelemetryLimits> {
  const delayMs = Number(OTEL_BSP_SCHEDULE_DELAY?.trim() || Number.NaN);
  return Number.isInteger(delayMs) && delayMs >= 0 ? { exportIntervalMs: delayMs } : {};
}

function exemplarsFor({ exemplars }: PrometheusExposition): Pick<ExporterEvents, 'onExported'> {
  return {
    onExported(told) {
      for (const { operation, durationMs, traceId, spanId, at } of told) {
        const { duration } = operationMetrics(operation as Operation);
        exemplars.offer(duration, durationMs / 1000, traceId, spanId, at);
      }
    },
  };
}

/** One line when the collector goes, one when it is back. */
function loggedEvents(log: Log, clock: Clock, signals: SignalSource): Omit<ExporterEvents, 'onWatched' | 'onExported'> {
  let failingSince = 0;
  return {
    onFailing(destination, message) {
      failingSince = clock.now();
      log.write(LOG_EVENTS.exportFailing, { destination, reason: message });
    },
    onRecovered(destination, droppedSpans) {
      const outageMs = Math.round(clock.now() - failingSince);
      log.write(LOG_EVENTS.exportRecovered, { destination, droppedSpans, outageMs });
    },
    onRejected(destination, spans, message) {
      log.write(LOG_EVENTS.exportRejected, { destination, spans, reason: message });
    },
    onSpoolFailing(folder, message) {
      log.write(LOG_EVENTS.exportSpoolFailing, { folder, reason: message });
    },
    onSignal: (notice) => signals.onNotice(notice),
    onBroken(error) {
      signals.lose();
      log.write(LOG_EVENTS.exporterBroken, { error });
    },
  };
}
