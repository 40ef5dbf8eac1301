import { randomBytes, randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/schema.ts';
import type { Placement } from './placement/placement.ts';
import { TraceWatches } from './placement/trace-watches.ts';
import { LOG_EVENTS } from './telemetry/catalogue.ts';
import type { OtlpOptions } from './telemetry/export/otlp-settings.ts';
import { headersOf } from './telemetry/export/otlp-variables.ts';
import type { Destination } from './telemetry/exporter/thread-protocol.ts';
import { checkTelemetrySettings, type Telemetry, type TelemetryOptions } from './telemetry/telemetry.ts';

const SPOOL_FOLDER = 'telemetry-spool';
/** Of the exporter that writes files. */
const FILES = { maxFileBytes: 128 * 1024 * 1024, maxFiles: 8 };

/** @throws OtlpVariableError for headers that are none. */
export function telemetryOptions({ telemetry, log, cluster, node, dataDir }: Config): TelemetryOptions {
  const { resource, sampling } = telemetry;
  return {
    enable: telemetry.enable,
    destination: destinationOf(telemetry, dataDir),
    broker: { cluster: cluster.name, brokerId: node.id },
    attributes: { ...telemetry.attributes, hashKey: telemetry.attributes.hashKey ?? randomBytes(32).toString('hex') },
    ringBytes: telemetry.ringBytes,
    samplingRate: sampling.rate,
    followParent: sampling.followParent,
    rules: sampling.rules,
    maxTracesPerSecond: sampling.maxTracesPerSecond,
    keep: sampling,
    serviceName: resource.serviceName,
    serviceVersion: resource.serviceVersion,
    deploymentEnvironment: resource.deploymentEnvironment,
    exportQueueBytes: telemetry.exportQueueBytes,
    spool:
      telemetry.spoolBytes === 0 ? undefined : { folder: join(dataDir, SPOOL_FOLDER), maxBytes: telemetry.spoolBytes },
    signals: {
      metrics: telemetry.metricsExporter === 'otlp',
      metricsIntervalMs: telemetry.metricsIntervalMs,
      logs: telemetry.logsExporter === 'otlp',
      otlp: otlpOptions(telemetry),
    },
    log,
  };
}

/** As the start does, before anything runs. @throws OtlpSettingsError, OtlpTargetError, OtlpVariableError */
export function checkTelemetry(config: Config, environment: NodeJS.ProcessEnv): void {
  checkTelemetrySettings(telemetryOptions(config), environment);
}

function destinationOf(telemetry: Config['telemetry'], dataDir: string): Destination {
  switch (telemetry.exporterType) {
    case 'none':
    case 'console':
      return { type: telemetry.exporterType };
    case 'file':
      return { type: 'file', options: { path: resolve(dataDir, telemetry.exporterFile), ...FILES } };
    case 'otlp':
      return { type: 'otlp', options: otlpOptions(telemetry) };
  }
}

/** The way to the collector, for all signals. */
function otlpOptions(telemetry: Config['telemetry']): OtlpOptions {
  const { exporterEndpoint, exporterHeaders = '' } = telemetry;
  return {
    endpoint: exporterEndpoint,
    headers: headersOf({ value: exporterHeaders, source: 'telemetry.exporter_headers' }),
    compression: telemetry.exporterCompression,
    timeoutMs: telemetry.exporterTimeoutMs,
    tls: {
      caFile: telemetry.exporterCaFile,
      certificateFile: telemetry.exporterCertificateFile,
      keyFile: telemetry.exporterKeyFile,
    },
  };
}

/** The watch rules of all nodes, told to this node's exporter, which says how many traces it kept; undefined where none are recorded. */
export async function openTraceWatches(
  placement: Placement,
  telemetry: Telemetry,
  clock: Clock,
): Promise<TraceWatches | undefined> {
  const { exporter, log } = telemetry;
  if (exporter === undefined) return undefined;
  const watches = await TraceWatches.open(placement, {
    clock,
    newId: randomUUID,
    onFailure: (error) => log.write(LOG_EVENTS.traceWatchesFailed, { error }),
  });
  watches.onChange((rules) => exporter.watch(rules));
  exporter.watch(watches.rules);
  telemetry.onWatched((counts) => void watches.addKept(counts));
  return watches;
}
