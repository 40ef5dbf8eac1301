import { systemClock } from '../../base/clock.ts';
import { createLog } from '../log.ts';
import { startTelemetry, type Telemetry, type TelemetryOptions } from '../telemetry.ts';

/** A line of the log as it was written. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface TestTelemetry extends Telemetry {
  readonly logLines: readonly LogLine[];
}

export type TestTelemetryOptions = Partial<TelemetryOptions> & {
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** Real telemetry that records everything, exports nothing unless told to, and keeps its log lines for the test. */
export function testTelemetry({ environment = {}, ...overrides }: TestTelemetryOptions = {}): TestTelemetry {
  const logLines: LogLine[] = [];
  const options: TelemetryOptions = {
    enable: true,
    exporterType: 'none',
    exporterEndpoint: 'grpc://127.0.0.1:4317',
    samplingRate: 1,
    followParent: true,
    serviceName: 'robustmq',
    serviceVersion: '0.1.0',
    deploymentEnvironment: 'test',
    recentTraces: 100,
    exportQueueSpans: 1000,
    log: { level: 'debug', format: 'json' },
    ...overrides,
  };
  const log = createLog(options.log, systemClock, { write: (line: string) => logLines.push(JSON.parse(line)) });
  return { ...startTelemetry(options, systemClock, environment, log), logLines };
}
