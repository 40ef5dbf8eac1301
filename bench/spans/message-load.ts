import type { TracedClient } from '../../src/base/traced-client.ts';
import type { Recording } from '../../src/telemetry/recording.ts';
import { ENTRY, EntryBatch, MessageEntry, QOS_SHIFT } from '../../src/telemetry/records/message-entry.ts';
import { messageContext } from '../../src/telemetry/records/message-recorder.ts';
import { decisionOf } from '../../src/telemetry/records/push-recorder.ts';
import { CONTEXT_BYTES } from '../../src/telemetry/trace-context.ts';

/** Methods of MessageLoad. */
export const LOAD_KINDS = ['stored', 'run'] as const;
export type LoadKind = (typeof LOAD_KINDS)[number];

/** Messages that are recorded together. */
export const BATCH_MESSAGES = 100;
const PAIRS = 10;
const RUN_SUBSCRIBERS = 4;
const SEGMENT_BYTES = 256;

interface Pair {
  readonly publisher: TracedClient;
  readonly subscriber: TracedClient;
  readonly topic: { tracePosition: number };
  readonly topicBytes: Buffer;
}

let sessions = 0;

function client(clientId: string): TracedClient {
  sessions += 1;
  return {
    clientId,
    sessionNumber: sessions,
    remoteAddress: '127.0.0.1',
    remotePort: 50_000 + sessions,
    userName: '',
    authMethod: 'anonymous',
    tracePosition: 0,
  };
}

/** Calls the recorders as the broker does for messages that came together: by one client after the other, each to a topic of its own. */
export class MessageLoad {
  readonly #recording: Recording;
  readonly #pairs: readonly Pair[] = Array.from({ length: PAIRS }, (_, index) => ({
    publisher: client(`sensor-${index}`),
    subscriber: client(`dashboard-${index}`),
    topic: { tracePosition: 0 },
    topicBytes: Buffer.from(`plant/7/line/${index}/temperature`),
  }));
  readonly #others = Array.from({ length: RUN_SUBSCRIBERS - 1 }, (_, index) => client(`archive-${index}`));
  readonly #rule = { tracePosition: 0 };
  readonly #shard = { tracePosition: 0 };
  readonly #segment = { tracePosition: 0 };
  readonly #entry = new MessageEntry();
  readonly #context = messageContext();
  readonly #contexts = new Uint8Array(BATCH_MESSAGES * CONTEXT_BYTES);
  readonly #contextsAt = Array.from({ length: BATCH_MESSAGES }, (_, index) => index * CONTEXT_BYTES);
  readonly #batch = new EntryBatch();
  readonly #handles = new Int32Array(BATCH_MESSAGES);
  #batches = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** QoS 0 messages of one read, each to four subscribers: eight spans a message. `at`: Unix milliseconds. */
  run(at: number): void {
    const { runs, texts, clients, head } = this.#recording;
    const { publisher, subscriber, topic, topicBytes } = this.#nextPair();
    for (let index = 0; index < BATCH_MESSAGES; index += 1) runs.message(texts.ofBytes(topic, topicBytes), 16);
    runs.pushed(clients.of(subscriber), false);
    for (const other of this.#others) runs.pushed(clients.of(other), false);
    runs.finish({
      receivedAt: at,
      admittedAt: at + 0.05,
      pushedAt: at + 0.15,
      client: clients.of(publisher),
      rule: texts.ofText(this.#rule, 'allow all'),
      connections: 2 * PAIRS,
      threshold: head.threshold,
      matched: RUN_SUBSCRIBERS,
    });
  }

  /** QoS 1 messages of one group commit, each to one subscriber, who acknowledges them in one read: 14 spans a message. */
  stored(at: number): void {
    const { messages, pushes, commits, texts } = this.#recording;
    const pair = this.#nextPair();
    const shard = texts.ofText(this.#shard, 'default');
    for (let index = 0; index < BATCH_MESSAGES; index += 1) this.#admit(pair, index, at);
    this.#batch.stampAdmitted(at + 0.1);
    const commit = { begunAt: at + 0.1, writtenAt: at + 0.2, indexedAt: at + 0.25, committedAt: at + 0.6 };
    const size = {
      baseOffset: this.#batches * BATCH_MESSAGES,
      bytes: BATCH_MESSAGES * SEGMENT_BYTES,
      records: BATCH_MESSAGES,
    };
    const segment = texts.ofText(this.#segment, '00000000000000000000');
    commits.commit({ ...commit, ...size, shard, segment, failure: 0 }, this.#contexts, this.#contextsAt);
    for (let index = 0; index < BATCH_MESSAGES; index += 1) this.#push(pair, index, at + 0.65);
    pushes.endStage(at + 0.75);
    const stage = { dispatchedAt: at + 0.65, answeredAt: at + 0.8, connections: 2 * PAIRS, queueDepth: 0, shard };
    messages.write(this.#batch, 0, BATCH_MESSAGES, stage);
    this.#batch.reset();
    for (let index = 0; index < BATCH_MESSAGES; index += 1) pushes.acknowledged(this.#handles[index]!, 0, at + 1.5);
    pushes.endAcknowledged();
  }

  #nextPair(): Pair {
    this.#batches += 1;
    return this.#pairs[this.#batches % PAIRS]!;
  }

  #admit({ publisher, topic, topicBytes }: Pair, index: number, at: number): void {
    const { messages, clients, texts } = this.#recording;
    messages.begin(this.#entry, this.#context);
    const { u32, f64 } = this.#entry;
    u32[ENTRY.client] = clients.of(publisher);
    u32[ENTRY.topic] = texts.ofBytes(topic, topicBytes);
    u32[ENTRY.rule] = texts.ofText(this.#rule, 'allow all');
    u32[ENTRY.payloadBytes] = 16;
    u32[ENTRY.flags]! |= (index + 1) | (1 << QOS_SHIFT);
    f64[ENTRY.receivedAt] = at;
    const to = this.#contextsAt[index]!;
    for (let byte = 0; byte < CONTEXT_BYTES; byte += 1) this.#contexts[to + byte] = this.#context.bytes[byte]!;
    this.#batch.append(this.#entry);
  }

  #push({ subscriber }: Pair, index: number, at: number): void {
    const { pushes, clients } = this.#recording;
    const { words, bytes } = this.#context;
    const from = this.#contextsAt[index]!;
    for (let byte = 0; byte < CONTEXT_BYTES; byte += 1) bytes[byte] = this.#contexts[from + byte]!;
    const handle = pushes.begin(words, decisionOf(bytes), 1, clients.of(subscriber), 0, 0, at);
    pushes.sent(handle, index + 1);
    this.#handles[index] = handle;
    this.#batch.stored(index, 1);
  }
}
