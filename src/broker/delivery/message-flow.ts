import type { Clock } from '../../base/clock.ts';
import type { AppendResult } from '../../journal/journal.ts';
import { RecordView } from '../../journal/record-batch.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { recordStored } from '../../telemetry/records/entry-stages.ts';
import { ENTRY, type EntryBatch, SHAPE } from '../../telemetry/records/message-entry.ts';
import type { MessagesStage } from '../../telemetry/records/message-recorder.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { Connection } from '../connection/connection.ts';
import type { Router } from '../router/router.ts';
import type { Session } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import type { Ingest, IngestBatch, IngestEvents } from './ingest.ts';
import { type BrokerTopic, Message } from './message.ts';
import type { Pusher } from './pusher.ts';
import { addRecord, readRecord } from './record-message.ts';
import type { RetainedMessages } from './retained-messages.ts';

const NOBODY = new Uint8Array(0);

/** Who hears what became of a stored message. */
export interface MessageAnswers {
  answer(batch: IngestBatch<Connection>, index: number, shard: number, offset: number, now: number): void;
  answerFailure(batch: IngestBatch<Connection>, index: number, now: number): void;
}

/**
 * From an admitted message to its subscribers: QoS 0 directly, QoS 1 and 2 by way of the journal, from whose batch
 * buffer they are pushed once it is durable.
 */
export class MessageFlow implements IngestEvents<Connection> {
  readonly #router: Router<Session>;
  readonly #pusher: Pusher;
  readonly #retained: RetainedMessages;
  readonly #dropped: DroppedMessages;
  readonly #recording: Recording;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #ingestOf: (topic: BrokerTopic) => Ingest<Connection>;
  readonly #answers: () => MessageAnswers;
  readonly #onStorageFailure: (cause: unknown, records: number, context: Uint8Array | undefined) => void;
  readonly #message = new Message();
  readonly #record = new RecordView();
  readonly #connectionCount: () => number;
  /** Of the read at hand: batches with messages that do not yet know when they were admitted. */
  readonly #unstamped: EntryBatch[] = [];
  readonly #stage: MessagesStage = { dispatchedAt: 0, answeredAt: 0, connections: 0, queueDepth: 0, shard: 0 };

  constructor(parts: {
    router: Router<Session>;
    pusher: Pusher;
    retained: RetainedMessages;
    dropped: DroppedMessages;
    recording: Recording;
    metrics: Metrics;
    connectionCount: () => number;
    clock: Clock;
    ingestOf: (topic: BrokerTopic) => Ingest<Connection>;
    answers: () => MessageAnswers;
    /** `context`: of the first of the messages, where it has one. */
    onStorageFailure: (cause: unknown, records: number, context: Uint8Array | undefined) => void;
  }) {
    this.#router = parts.router;
    this.#pusher = parts.pusher;
    this.#retained = parts.retained;
    this.#dropped = parts.dropped;
    this.#recording = parts.recording;
    this.#metrics = parts.metrics;
    this.#connectionCount = parts.connectionCount;
    this.#clock = parts.clock;
    this.#ingestOf = parts.ingestOf;
    this.#answers = parts.answers;
    this.#onStorageFailure = parts.onStorageFailure;
  }

  /** QoS 0: to those who are there. */
  deliver(message: Message): void {
    const matches = this.#router.match(message.topic);
    message.entry.u32[ENTRY.matched] = matches.members.length + matches.groups.length;
    this.#pusher.pushToAll(message, matches);
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
    const ingest = this.#ingestOf(message.topic);
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
    if (message.isTraced) {
      if (batch.entries.isStamped) this.#unstamped.push(batch.entries);
      batch.entries.append(message.entry);
    }
    return ingest;
  }

  /** What was read has been admitted: the stage is over for all messages that were stored in it. */
  endRead(now: number): void {
    if (this.#unstamped.length === 0) return;
    for (const entries of this.#unstamped) entries.stampAdmitted(now);
    this.#unstamped.length = 0;
  }

  /** Keeps it for future subscribers; an empty payload forgets what was kept [MQTT-3.3.1-6]. */
  retain(message: Message): void {
    if (!this.#retained.keep(message)) this.#dropped.notRetained(message);
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
    const isTraced = batch.entries.count > 0;
    let firstRetained = -1;
    message.dispatchedAt = now;
    for (let index = 0; index < batch.positions.length; index += 1) {
      const offset = result.baseOffset + index;
      const alive = readRecord(this.#record.at(buffer, batch.positions[index]!), message, now);
      message.topic = batch.topics[index]!;
      message.publisher = batch.publishers[index]?.number ?? 0;
      message.shard = shard;
      message.offset = offset;
      message.isTraced = isTraced;
      const matches = this.#router.match(message.topic);
      batch.matched[index] = !matches.isEmpty;
      if (isTraced) batch.entries.stored(index, matches.members.length + matches.groups.length);
      if (message.retain) {
        this.retain(message);
        if (firstRetained === -1) firstRetained = index;
      }
      if (alive) this.#pusher.pushToAll(message, matches);
      else this.#pusher.expire(message, matches);
      if (firstRetained === -1) answers.answer(batch, index, shard, offset, now);
    }
    const answered = firstRetained === -1 ? batch.positions.length : firstRetained;
    if (isTraced) {
      const pushedAt = this.#endStage(ingest, batch, 0, answered, now);
      recordStored(this.#metrics, batch.entries, now);
      recordStage(this.#metrics, STAGES.push, pushedAt - now, batch.positions.length);
    }
    return firstRetained === -1
      ? undefined
      : this.#answerRetained(ingest, batch, firstRetained, result.baseOffset, now);
  }

  /**
   * A retained message is acknowledged when it is kept for future subscribers as durably as for present ones; what came
   * behind it waits too, because acknowledgements go out in the order of the messages [MQTT-4.6.0-2].
   */
  async #answerRetained(
    ingest: Ingest<Connection>,
    batch: IngestBatch<Connection>,
    first: number,
    baseOffset: number,
    dispatchedAt: number,
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
      if (failure !== undefined && isRetained) {
        this.#traceFailure(batch, index, 'the retained message could not be stored', failure.cause);
        answers.answerFailure(batch, index, now);
      } else answers.answer(batch, index, ingest.shard.number, baseOffset + index, now);
    }
    if (batch.entries.count > 0) this.#endStage(ingest, batch, first, batch.positions.length, dispatchedAt);
    if (failure !== undefined) this.#onStorageFailure(failure.cause, 0, batch.contextOf(first));
  }

  onFailure(ingest: Ingest<Connection>, batch: IngestBatch<Connection>, cause: unknown): void {
    const now = this.#clock.now();
    const answers = this.#answers();
    for (let index = 0; index < batch.positions.length; index += 1) {
      this.#traceFailure(batch, index, 'the journal did not take the message', cause);
      answers.answerFailure(batch, index, now);
    }
    if (batch.entries.count > 0) this.#endStage(ingest, batch, 0, batch.positions.length, now);
    this.#onStorageFailure(cause, batch.positions.length, batch.contextOf(0));
  }

  /** The messages share what began at `dispatchedAt` and is over now: at the time it returns. */
  #endStage(
    ingest: Ingest<Connection>,
    batch: IngestBatch<Connection>,
    from: number,
    to: number,
    dispatchedAt: number,
  ): number {
    const { pushes, messages, texts } = this.#recording;
    const stage = this.#stage;
    stage.dispatchedAt = dispatchedAt;
    stage.answeredAt = this.#clock.now();
    stage.connections = this.#connectionCount();
    stage.queueDepth = ingest.queueDepth;
    stage.shard = texts.of(ingest.shard.name);
    pushes.endStage(stage.answeredAt);
    messages.write(batch.entries, from, to, stage);
    return stage.answeredAt;
  }

  #traceFailure({ entries }: IngestBatch<Connection>, index: number, reason: string, cause: unknown): void {
    if (entries.count === 0) return;
    this.#recording.messages.fail(entries.u32, entries.half(index, 0), SHAPE.unstored, 'storage_failed', reason, cause);
  }
}
