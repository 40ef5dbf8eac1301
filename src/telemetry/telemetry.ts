import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { LOG_EVENTS } from './catalogue.ts';
import { disabledRecorder } from './disabled-recorder.ts';
import { BatchExporter, type ExportHealth } from './export/batch-exporter.ts';
import { createSender, type ExporterType } from './export/create-sender.ts';
import type { SpanSink } from './finished-span.ts';
import { createLog, type Log, type LogOptions } from './log.ts';
import { Metrics } from './metrics.ts';
import { PooledRecorder } from './pooled-recorder.ts';
import { PrometheusExposition } from './prometheus.ts';
import { Random } from './random.ts';
import { RecentTraces } from './recent-traces.ts';
import type { Recorder } from './recorder.ts';
import { type Resources, resourcesFrom } from './resources.ts';
import { ratioSampler } from './sampler.ts';
import type { ServiceNamer } from './trace-document.ts';

export interface TelemetryOptions {
  /** False records no span; metrics and log stay. */
  readonly enable: boolean;
  readonly exporterType: ExporterType;
  /** `grpc://host:4317`, `grpcs://…`, `http://host:4318`, `https://…`; see export/otlp-target.ts. */
  readonly exporterEndpoint: string;
  /** Share of new traces that is recorded, 0 to 1. */
  readonly samplingRate: number;
  /** Whether a caller's sampled flag decides for the trace it continues. */
  readonly followParent: boolean;
  /** Prefix of `service.name`. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly deploymentEnvironment: string;
  /** Traces kept in memory for the admin API. */
  readonly recentTraces: number;
  /** Finished spans waiting for the exporter; more are dropped and counted. */
  readonly exportQueueSpans: number;
  readonly log: LogOptions;
  readonly limits?: Partial<TelemetryLimits>;
}

/** What no user has to set. */
export interface TelemetryLimits {
  readonly maxOpenSpans: number;
  /** Bounds of the recent traces beside their number. */
  readonly maxRecentSpans: number;
  readonly maxRecentBytes: number;
  readonly maxBatchSpans: number;
  /** How long a span waits for others to join its batch; `OTEL_BSP_SCHEDULE_DELAY` says it too. */
  readonly exportIntervalMs: number;
  /** An export that has no answer by then has failed; `OTEL_EXPORTER_OTLP_TIMEOUT` wins. */
  readonly exportTimeoutMs: number;
  /** Longest pause between attempts while the collector is away. */
  readonly exportMaxPauseMs: number;
  /** For the last spans, when telemetry is shut down. */
  readonly shutdownMs: number;
}

const LIMITS: TelemetryLimits = {
  maxOpenSpans: 32_768,
  maxRecentSpans: 50_000,
  maxRecentBytes: 64 * 1024 * 1024,
  maxBatchSpans: 512,
  exportIntervalMs: 1000,
  exportTimeoutMs: 10_000,
  exportMaxPauseMs: 30_000,
  shutdownMs: 2000,
};

export interface Telemetry {
  readonly recorder: Recorder;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly recentTraces: RecentTraces;
  readonly exposition: PrometheusExposition;
  /** `service.name` of each role. */
  readonly serviceName: ServiceNamer;
  /** Sends what waits, within the limit; settles once the exporter is closed or the limit has passed. */
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
  log: Log = createLog(options.log, clock),
): Telemetry {
  const limits = { ...LIMITS, ...scheduleDelayFrom(environment), ...options.limits };
  const metrics = new Metrics();
  const recentTraces = new RecentTraces({
    maxTraces: options.recentTraces,
    maxSpans: limits.maxRecentSpans,
    maxBytes: limits.maxRecentBytes,
  });
  const resources = resourcesFrom({ ...options, serviceInstanceId: randomUUID() }, environment);
  const serviceName: ServiceNamer = (role) => String(resources[role].attributes['service.name']);
  const common = { metrics, log, recentTraces, exposition: new PrometheusExposition(metrics), serviceName };
  if (!options.enable) {
    return { ...common, recorder: disabledRecorder, shutdown: async () => {} };
  }

  const sampler = ratioSampler(options.samplingRate, options.followParent);
  const exporter = startExporter(options, limits, resources, metrics, loggedHealth(log, clock), environment);
  const sink: SpanSink = (span) => {
    recentTraces.add(span);
    exporter?.add(span);
  };
  return {
    ...common,
    recorder: new PooledRecorder({ sampler, maxOpenSpans: limits.maxOpenSpans }, Random.seeded(), metrics, sink),
    shutdown: async () => exporter?.close(limits.shutdownMs),
  };
}

/** How long a span waits for others: OpenTelemetry's variable for it. */
function scheduleDelayFrom({ OTEL_BSP_SCHEDULE_DELAY }: Environment): Partial<TelemetryLimits> {
  const delayMs = Number(OTEL_BSP_SCHEDULE_DELAY?.trim() || Number.NaN);
  return Number.isInteger(delayMs) && delayMs >= 0 ? { exportIntervalMs: delayMs } : {};
}

function startExporter(
  options: TelemetryOptions,
  limits: TelemetryLimits,
  resources: Resources,
  metrics: Metrics,
  health: ExportHealth,
  environment: Environment,
): BatchExporter | undefined {
  const sender = createSender(
    {
      type: options.exporterType,
      endpoint: options.exporterEndpoint,
      timeoutMs: limits.exportTimeoutMs,
      serviceVersion: options.serviceVersion,
    },
    resources,
    environment,
  );
  if (sender === undefined) return undefined;
  return new BatchExporter(
    {
      maxQueueSpans: options.exportQueueSpans,
      maxBatchSpans: limits.maxBatchSpans,
      intervalMs: limits.exportIntervalMs,
      maxPauseMs: limits.exportMaxPauseMs,
    },
    sender,
    metrics,
    health,
  );
}

/** One line when the collector goes, one when it is back. */
function loggedHealth(log: Log, clock: Clock): ExportHealth {
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
  };
}
