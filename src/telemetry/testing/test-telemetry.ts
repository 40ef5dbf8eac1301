import { systemClock } from '../../base/clock.ts';
import type { FinishedSpan } from '../finished-span.ts';
import { createLog, type Log } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { Recorder } from '../recorder.ts';
import { Recording, type RecordingOptions } from '../recording.ts';
import type { BrokerIdentity } from '../records/expand/common-attributes.ts';
import { MIN_RING_BYTES } from '../ring/ring-memory.ts';
import { RecordedSpans } from './recorded-spans.ts';

/** A line of the log as it was written. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What records, without the thread that exports. */
export interface TestTelemetry {
  readonly recording: Recording;
  readonly recorder: Recorder;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly logLines: readonly LogLine[];
  /** Everything that has ended so far, in the order in which it was recorded. */
  readonly spans: readonly FinishedSpan[];
}

const BROKER: BrokerIdentity = { cluster: 'test', brokerId: 'broker-1' };

/** Real recording of everything, whose spans and log lines are there for the test. */
export function testTelemetry(options: Partial<RecordingOptions> = {}, broker = BROKER): TestTelemetry {
  const logLines: LogLine[] = [];
  const metrics = new Metrics();
  const defaults = { enabled: true, ringBytes: 2 * MIN_RING_BYTES, maxOpenSpans: 1024, rate: 1, followParent: true };
  const recording = new Recording({ ...defaults, ...options }, metrics);
  const recorded = new RecordedSpans(recording, broker);
  const format = { level: 'debug', format: 'json' } as const;
  return {
    recording,
    recorder: recording.spans,
    metrics,
    log: createLog(format, systemClock, { write: (line: string) => logLines.push(JSON.parse(line)) }),
    logLines,
    get spans() {
      return recorded.all;
    },
  };
}
