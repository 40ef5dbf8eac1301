import { type AttributePolicy, DISCREET } from './attribute-policy.ts';
import { METRICS } from './catalogue.ts';
import { disabledRecorder } from './disabled-recorder.ts';
import { counterId, type Metrics } from './metrics.ts';
import type { Recorder } from './recorder.ts';
import { ClientTable } from './records/client-table.ts';
import { CommitRecorder } from './records/commit-recorder.ts';
import { ExtraEntries } from './records/extra-entries.ts';
import { type MessageContent, messageContent } from './records/message-content.ts';
import { MessageRecorder } from './records/message-recorder.ts';
import { PushRecorder } from './records/push-recorder.ts';
import { RunRecorder } from './records/run-recorder.ts';
import { SpanRecorder } from './records/span-recorder.ts';
import { TextTable } from './records/text-table.ts';
import { TraceIds } from './records/trace-ids.ts';
import { createRing, MIN_RING_BYTES, type SharedRing } from './ring/ring-memory.ts';
import { RingWriter } from './ring/ring-writer.ts';
import { TraceHead, type TraceHeadOptions } from './sampling/trace-head.ts';

const POOL_FULL = counterId(METRICS.spansDroppedTotal, 'pool_full');
const PARENT_ENDED = counterId(METRICS.spansDroppedTotal, 'parent_ended');

export interface RecordingOptions extends TraceHeadOptions {
  /** False: nothing is recorded, and nobody calls the recorders of messages. */
  readonly enabled: boolean;
  readonly ringBytes: number;
  readonly maxOpenSpans: number;
  /** Left out: nothing that is configurable is told. */
  readonly attributes?: AttributePolicy;
}

/**
 * Everything that writes into the ring: spans of any kind, and, for the message path, records that stand for whole messages.
 * What may be recorded is asked once: `enabled`.
 */
export class Recording {
  readonly enabled: boolean;
  readonly ring: SharedRing;
  readonly seed: Uint32Array;
  readonly head: TraceHead;
  readonly texts: TextTable;
  readonly clients: ClientTable;
  readonly spans: Recorder;
  readonly runs: RunRecorder;
  readonly messages: MessageRecorder;
  /** Undefined where nothing is told of what messages hold. */
  readonly content: MessageContent | undefined;
  readonly pushes: PushRecorder;
  readonly commits: CommitRecorder;
  readonly #writer: RingWriter;
  readonly #metrics: Metrics;
  readonly #spanRecorder: SpanRecorder | undefined;

  constructor(options: RecordingOptions, metrics: Metrics, seed = TraceIds.randomSeed()) {
    const capacity = options.enabled ? options.maxOpenSpans : 1;
    this.enabled = options.enabled;
    this.ring = createRing(options.enabled ? options.ringBytes : MIN_RING_BYTES);
    this.seed = seed;
    this.head = new TraceHead(options);
    const writer = new RingWriter(this.ring);
    const ids = new TraceIds(seed);
    const texts = new TextTable(writer);
    this.#writer = writer;
    this.#metrics = metrics;
    this.texts = texts;
    this.clients = new ClientTable(writer, texts);
    this.runs = new RunRecorder(writer, ids, this.head.sampler);
    this.messages = new MessageRecorder(writer, ids, this.head, new ExtraEntries(texts), metrics);
    this.content = messageContent(options.attributes ?? DISCREET, this.messages);
    this.pushes = new PushRecorder(writer, ids, this.head.sampler, metrics, capacity);
    this.commits = new CommitRecorder(writer, ids);
    const parts = { writer, ids, texts, head: this.head, metrics, maxOpenSpans: capacity };
    this.#spanRecorder = options.enabled ? new SpanRecorder(parts) : undefined;
    this.spans = this.#spanRecorder ?? disabledRecorder;
    metrics.gauge(METRICS.openSpans, () => this.openSpans);
  }

  /** Spans begun and not yet ended. A message under way counts as one. */
  get openSpans(): number {
    return (this.#spanRecorder?.openSpans ?? 0) + this.pushes.open + this.messages.open;
  }

  /** Every span that was begun: recorded, under way, or not recorded for want of room. */
  get startedSpans(): number {
    return this.recordedSpans + this.openSpans + this.#metrics.value(POOL_FULL) + this.#metrics.value(PARENT_ENDED);
  }

  /** Spans written into the ring. */
  get recordedSpans(): number {
    return this.#writer.spans;
  }
}
