import type { Clock } from '../../base/clock.ts';
import type { AppendResult } from '../../journal/journal.ts';
import { RecordView } from '../../journal/record-batch.ts';
import { ATTRIBUTES, SPANS } from '../../telemetry/catalogue.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import { CONTEXT_BYTES } from '../../telemetry/trace-context.ts';
import type { Connection } from '../connection/connection.ts';
import type { MatchSet } from '../router/match-set.ts';
import type { Router } from '../router/router.ts';
import type { Session } from '../session/session.ts';
import type { Ingest, IngestBatch, IngestEvents } from './ingest.ts';
import { type BrokerTopic, Message } from './message.ts';
import type { Pusher } from './pusher.ts';
import { addRecord, readRecord } from './record-message.ts';
import type { RetainedMessages } from './retained-messages.ts';

const NOBODY = new Uint8Array(0);

/** Who hears what became of a stored message. */
export interface MessageAnswers {
  answer(batch: IngestBatch<Connection>, index: number, shard: number, offset: number, now: number): void;
  answerFailure(batch: IngestBatch<Connection>, index: number, reason: string): void;
}

/**
 * From an admitted message to its subscribers: QoS 0 directly, QoS 1 and 2 by way of the journal, from whose batch
 * buffer they are pushed once it is durable.
 */
export class MessageFlow implements IngestEvents<Connection> {
  readonly #router: Router<Session>;
  readonly #pusher: Pusher;
  readonly #retained: RetainedMessages;
  readonly #recorder: Recorder;
  readonly #clock: Clock;
  readonly #ingestOf: (topic: BrokerTopic, span: SpanHandle) => Ingest<Connection>;
  readonly #answers: () => MessageAnswers;
  readonly #onStorageFailure: (cause: unknown, records: number) => void;
  readonly #message = new Message();
  readonly #record = new RecordView();

  constructor(parts: {
    router: Router<Session>;
    pusher: Pusher;
    retained: RetainedMessages;
    recorder: Recorder;
    clock: Clock;
    ingestOf: (topic: BrokerTopic, span: SpanHandle) => Ingest<Connection>;
    answers: () => MessageAnswers;
    onStorageFailure: (cause: unknown, records: number) => void;
  }) {
    this.#router = parts.router;
    this.#pusher = parts.pusher;
    this.#retained = parts.retained;
    this.#recorder = parts.recorder;
    this.#clock = parts.clock;
    this.#ingestOf = parts.ingestOf;
    this.#answers = parts.answers;
    this.#onStorageFailure = parts.onStorageFailure;
  }

  /** QoS 0: to those who are there. */
  deliver(message: Message): void {
    this.#pusher.pushToAll(message, this.#match(message));
  }

  /**
   * QoS 1 and 2: to the journal. `publisher` is the session that it does not come back to where that wants nothing of its
   * own, and whose repeats are to be recognised (QoS 2); `packetId` 0: it came in no packet and is not repeated. Returns
   * the way it takes, for who wants to know when it has come to its end.
   */
  store(
    message: Message,
    origin: Connection | undefined,
    publisher: Session | undefined,
    packetId: number,
  ): Ingest<Connection> {
    const { span } = message;
    const persist = span === NO_SPAN ? NO_SPAN : this.#recorder.child(SPANS.storagePersist, span, this.#clock.now());
    const ingest = this.#ingestOf(message.topic, persist);
    const batch = ingest.open();
    const { records } = batch;
    const position = addRecord(records, message, publisher?.publisherBytes ?? NOBODY, packetId);
    batch.positions.push(position);
    batch.origins.push(origin);
    batch.publishers.push(publisher);
    batch.packetIds.push(packetId);
    batch.qos.push(message.qos);
    batch.receivedAt.push(message.receivedAt);
    batch.topics.push(message.topic);
    batch.spans.push(span);
    batch.persistSpans.push(persist);
    if (persist !== NO_SPAN) this.#traceRecord(batch, position, persist);
    return ingest;
  }

  /** QoS 0: keeps it for future subscribers; an empty payload forgets what was kept [MQTT-3.3.1-6]. */
  retain(message: Message): void {
    this.#retained.keep(message);
  }

  onCommit(
    ingest: Ingest<Connection>,
    batch: IngestBatch<Connection>,
    result: AppendResult,
  ): Promise<void> | undefined {
    const now = this.#clock.now();
    const answers = this.#answers();
    const message = this.#message;
    const { buffer } = batch.records;
    const shard = ingest.shard.number;
    let firstRetained = -1;
    for (let index = 0; index < batch.positions.length; index += 1) {
      const offset = result.baseOffset + index;
      const alive = readRecord(this.#record.at(buffer, batch.positions[index]!), message, now);
      message.topic = batch.topics[index]!;
      message.publisher = batch.publishers[index]?.number ?? 0;
      message.shard = shard;
      message.offset = offset;
      message.span = batch.spans[index]!;
      if (message.span !== NO_SPAN) this.#recorder.end(batch.persistSpans[index]!, now);
      const matches = this.#match(message);
      batch.matched[index] = !matches.isEmpty;
      if (message.retain) {
        this.#retained.keep(message);
        if (firstRetained === -1) firstRetained = index;
      }
      if (alive) this.#pusher.pushToAll(message, matches);
      if (firstRetained === -1) answers.answer(batch, index, shard, offset, now);
    }
    return firstRetained === -1 ? undefined : this.#answerRetained(batch, firstRetained, shard, result.baseOffset);
  }

  /**
   * A retained message is acknowledged when it is kept for future subscribers as durably as for present ones; what came
   * behind it waits too, because acknowledgements go out in the order of the messages [MQTT-4.6.0-2].
   */
  async #answerRetained(
    batch: IngestBatch<Connection>,
    first: number,
    shard: number,
    baseOffset: number,
  ): Promise<void> {
    const answers = this.#answers();
    let failure: { readonly cause: unknown } | undefined;
    try {
      await this.#retained.durable();
    } catch (error) {
      failure = { cause: error };
    }
    const now = this.#clock.now();
    for (let index = first; index < batch.positions.length; index += 1) {
      const isRetained = this.#record.at(batch.records.buffer, batch.positions[index]!).retain;
      if (failure !== undefined && isRetained)
        answers.answerFailure(batch, index, 'the retained message could not be stored');
      else answers.answer(batch, index, shard, baseOffset + index, now);
    }
    if (failure !== undefined) this.#onStorageFailure(failure.cause, 0);
  }

  onFailure(_ingest: Ingest<Connection>, batch: IngestBatch<Connection>, cause: unknown): void {
    const now = this.#clock.now();
    const answers = this.#answers();
    for (let index = 0; index < batch.positions.length; index += 1) {
      const persist = batch.persistSpans[index]!;
      if (persist !== NO_SPAN) {
        this.#recorder.fail(persist, 'storage_failed', 'the journal did not take the message', cause);
        this.#recorder.end(persist, now);
      }
      answers.answerFailure(batch, index, 'the journal did not take the message');
    }
    this.#onStorageFailure(cause, batch.positions.length);
  }

  #match(message: Message): MatchSet<Session> {
    const { span, topic } = message;
    if (span === NO_SPAN) return this.#router.match(topic);
    const match = this.#recorder.child(SPANS.subscriptionMatch, span, this.#clock.now());
    const matches = this.#router.match(topic);
    this.#recorder.attribute(match, ATTRIBUTES.subscriptionCount, matches.members.length + matches.groups.length);
    this.#recorder.end(match, this.#clock.now());
    return matches;
  }

  /** The journal's spans belong below `storage/persist`. */
  #traceRecord(batch: IngestBatch<Connection>, position: number, persist: SpanHandle): void {
    const context = new Uint8Array(CONTEXT_BYTES);
    this.#recorder.context(persist, context, 0);
    batch.records.traced.push({ position, context });
  }
}
