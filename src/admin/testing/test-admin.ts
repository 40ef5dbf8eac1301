import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import type { ExporterEvents, ExporterThread } from '../../telemetry/exporter/exporter-thread.ts';
import { PrometheusExposition } from '../../telemetry/prometheus.ts';
import { testExporter } from '../../telemetry/testing/test-exporter.ts';
import { type TestTelemetry, testTelemetry } from '../../telemetry/testing/test-telemetry.ts';
import { CONTEXT_BYTES, traceIdOf } from '../../telemetry/trace-context.ts';
import { type AdminServer, type Readiness, startAdminServer } from '../admin-server.ts';
import type { DrainControl } from '../drain-routes.ts';
import type { TraceWatchControl } from '../watch-routes.ts';

export interface TestAdmin extends AsyncDisposable {
  readonly telemetry: TestTelemetry;
  readonly exposition: PrometheusExposition;
  readonly exporter: ExporterThread;
  readonly server: AdminServer;
  readonly url: string;
  readiness: Readiness;
  drain?: DrainControl;
  close(): Promise<void>;
}

/** A real admin server on a free port, over real telemetry. */
export async function startTestAdmin(
  watches?: TraceWatchControl,
  onWatched: ExporterEvents['onWatched'] = () => undefined,
): Promise<TestAdmin> {
  const telemetry = testTelemetry();
  const { recording, metrics, log } = telemetry;
  const exporter = testExporter(recording, {}, { onWatched });
  const exposition = new PrometheusExposition(metrics);
  const state: { readiness: Readiness; drain?: DrainControl } = { readiness: { type: 'ready' } };
  const server = await startAdminServer(
    { address: '127.0.0.1', port: 0 },
    { traces: exporter, exposition, metrics, log, readiness: () => state.readiness, drain: () => state.drain, watches },
  );
  const close = async (): Promise<void> => {
    await server.close();
    await exporter.close(1000);
    exposition.close();
  };
  return Object.assign(state, {
    telemetry,
    exposition,
    exporter,
    server,
    url: `http://127.0.0.1:${server.port}`,
    close,
    [Symbol.asyncDispose]: close,
  });
}

export interface PublishedTrace {
  readonly clientId?: string;
  readonly topic?: string;
  readonly startedAt?: number;
  readonly durationMs?: number;
  readonly failed?: boolean;
}

/** Records a small trace as a PUBLISH leaves it, and returns its id. */
export function recordPublish({ recorder }: TestTelemetry, trace: PublishedTrace = {}): string {
  const {
    clientId = 'meter',
    topic = 'sensor/1',
    startedAt = 1_700_000_000_000,
    durationMs = 2,
    failed = false,
  } = trace;
  const publish = recorder.root(SPANS.mqttPublish, startedAt);
  const context = new Uint8Array(CONTEXT_BYTES);
  recorder.context(publish, context, 0);
  recorder.attribute(publish, ATTRIBUTES.mqttClientId, clientId);
  recorder.attribute(publish, ATTRIBUTES.mqttTopic, topic);
  const persist = recorder.child(SPANS.storagePersist, publish, startedAt + 0.5);
  if (failed) recorder.fail(persist, 'no_space', 'The disk is full.', new Error('ENOSPC'));
  recorder.end(persist, startedAt + 1);
  recorder.end(publish, startedAt + durationMs);
  return traceIdOf(context);
}
