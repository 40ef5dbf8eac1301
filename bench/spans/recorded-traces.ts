import { ATTRIBUTES, type SpanDefinition } from '../../src/telemetry/catalogue.ts';
import type { FinishedSpan, SpanAttribute } from '../../src/telemetry/finished-span.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { Recording } from '../../src/telemetry/recording.ts';
import { RecordedSpans } from '../../src/telemetry/testing/recorded-spans.ts';
import { type LoadKind, MessageLoad } from './message-load.ts';

/** A span of a batch of messages, as our exporter makes it: what the SDK is given to make. */
export interface RecordedSpan {
  readonly definition: SpanDefinition;
  /** Position of its parent in the batch; undefined where it has none. */
  readonly parent: number | undefined;
  /** Milliseconds since the messages came. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: readonly SpanAttribute[];
  /** Positions in the batch. */
  readonly links: readonly number[];
}

/** Names a broker has, and why a trace left. */
export const BROKER = { cluster: 'bench', brokerId: 'broker-1' };
const KEPT_BECAUSE = { definition: ATTRIBUTES.samplingReason, value: 'head' };
const RING_BYTES = 2 ** 24;
const AT = 1_790_000_000_000;

/** The spans of one batch, parents first. */
export function recordedBatch(kind: LoadKind): RecordedSpan[] {
  const options = { enabled: true, ringBytes: RING_BYTES, maxOpenSpans: 4096, rate: 1, followParent: true };
  const recording = new Recording(options, new Metrics());
  const recorded = new RecordedSpans(recording, BROKER);
  new MessageLoad(recording)[kind](AT);
  const spans = parentsFirst(recorded.all);
  const positions = new Map(spans.map(({ spanId }, index) => [spanId, index]));
  return spans.map(({ definition, parent, startedAt, endedAt, attributes, links, isEntry }) => ({
    definition,
    parent: parent.type === 'none' ? undefined : positions.get(parent.spanId),
    startMs: startedAt - AT,
    endMs: endedAt - AT,
    attributes: isEntry ? [...attributes, KEPT_BECAUSE] : attributes,
    links: links.map(({ spanId }) => positions.get(spanId)!),
  }));
}

function parentsFirst(spans: readonly FinishedSpan[]): FinishedSpan[] {
  const below = Map.groupBy(spans, ({ parent }) => (parent.type === 'none' ? '' : parent.spanId));
  const ordered = [...(below.get('') ?? [])];
  // Grows while it is walked through.
  for (const { spanId } of ordered) ordered.push(...(below.get(spanId) ?? []));
  return ordered;
}
