import { fail, succeed } from '../../base/outcome.ts';
import type { AppendResult, Journal } from '../../journal/journal.ts';
import { RECORD_CONTEXT_BYTES, RecordBatch } from '../../journal/record-batch.ts';
import { EntryBatch } from '../../telemetry/records/message-entry.ts';
import type { Turn, TurnTask } from '../connection/turn.ts';
import type { Session } from '../session/session.ts';
import type { BrokerTopic } from './message.ts';

/** Beyond this, clients are not read from until the journal has caught up. */
const SATURATED_BYTES = 8 * 1024 * 1024;
const SATURATED_RECORDS = 64 * 1024;

/** Messages that are appended together, and what is to be done for each once they are durable. */
export class IngestBatch<Origin> {
  readonly records = new RecordBatch();
  /** By position in the batch. */
  readonly positions: number[] = [];
  /** Whom to tell that the message is safe; undefined for messages of the broker itself (wills). */
  readonly origins: (Origin | undefined)[] = [];
  readonly publishers: (Session | undefined)[] = [];
  readonly packetIds: number[] = [];
  readonly qos: number[] = [];
  readonly receivedAt: number[] = [];
  /** Whether anybody was subscribed when the message was committed. */
  readonly matched: boolean[] = [];
  readonly topics: BrokerTopic[] = [];
  /** What the recorder is told of each message; empty where nothing is recorded. */
  readonly entries = new EntryBatch();
  /** To be told that the batch has been answered, or has failed. */
  readonly waiters: (() => void)[] = [];

  reset(): void {
    this.records.reset();
    this.positions.length = 0;
    this.origins.length = 0;
    this.publishers.length = 0;
    this.packetIds.length = 0;
    this.qos.length = 0;
    this.receivedAt.length = 0;
    this.matched.length = 0;
    this.topics.length = 0;
    this.entries.reset();
    this.waiters.length = 0;
  }

  /** A copy of a message's trace context; undefined where nothing is recorded. */
  contextOf(index: number): Uint8Array | undefined {
    if (this.entries.count === 0) return undefined;
    const at = this.records.traced[index]!;
    // Not `slice`: that of a Buffer is the same memory, which the next batch reuses.
    return Uint8Array.from(this.records.buffer.subarray(at, at + RECORD_CONTEXT_BYTES));
  }

  settle(): void {
    for (const waiter of this.waiters) waiter();
    this.waiters.length = 0;
  }
}

export interface IngestShard {
  readonly name: string;
  readonly number: number;
  readonly durable: boolean;
}

export interface IngestEvents<Origin> {
  /**
   * The batch is durable: deliver and acknowledge. Must not throw. What can be acknowledged only later is waited for:
   * the promise must not reject, and the batch stays as it is until then.
   */
  onCommit(ingest: Ingest<Origin>, batch: IngestBatch<Origin>, result: AppendResult): Promise<void> | undefined;
  /** Nothing of the batch was kept: nobody may believe it was. Must not throw. */
  onFailure(ingest: Ingest<Origin>, batch: IngestBatch<Origin>, cause: unknown): void;
}

/**
 * The way of QoS 1 and 2 messages into one shard. What one turn brings, and all that comes while an append is under way,
 * is the next append: the more producers wait, the fewer syncs each costs.
 */
export class Ingest<Origin> implements TurnTask {
  readonly shard: IngestShard;
  /** Records below have been offered to the live sessions: what `LIVE` means. */
  dispatchedEnd: number;
  /** Records below have been answered: whether they are repeats is known from their publishers' sessions. */
  answeredEnd: number;
  readonly #journal: Journal;
  readonly #turn: Turn;
  readonly #events: IngestEvents<Origin>;
  #building = new IngestBatch<Origin>();
  #spare: IngestBatch<Origin> | undefined = new IngestBatch<Origin>();
  #queued = false;
  #underWay: Promise<void> | undefined;

  constructor(parts: {
    shard: IngestShard;
    end: number;
    journal: Journal;
    turn: Turn;
    events: IngestEvents<Origin>;
  }) {
    this.shard = parts.shard;
    this.dispatchedEnd = parts.end;
    this.answeredEnd = parts.end;
    this.#journal = parts.journal;
    this.#turn = parts.turn;
    this.#events = parts.events;
  }

  get saturated(): boolean {
    const { records } = this.#building;
    return records.length > SATURATED_BYTES || records.count > SATURATED_RECORDS;
  }

  get queueDepth(): number {
    return this.#building.records.count;
  }

  get queueBytes(): number {
    const { records } = this.#building;
    return records.count === 0 ? 0 : records.length;
  }

  /** The batch that takes the next message. The caller adds to all its lists or to none. */
  open(): IngestBatch<Origin> {
    if (!this.#queued) {
      this.#queued = true;
      this.#turn.add(this);
    }
    return this.#building;
  }

  /** Settles when the message added last has been answered, or has failed. */
  settled(): Promise<void> {
    return new Promise((resolve) => this.open().waiters.push(resolve));
  }

  endTurn(): void {
    this.#queued = false;
    if (this.#underWay === undefined && this.#building.records.count > 0) this.#underWay = this.#commit();
  }

  /** Resolves when nothing is waiting any more. */
  async idle(): Promise<void> {
    if (this.#underWay === undefined) this.endTurn();
    while (this.#underWay !== undefined) await this.#underWay;
  }

  async #commit(): Promise<void> {
    const batch = this.#building;
    this.#building = this.#spare ?? new IngestBatch<Origin>();
    this.#spare = undefined;
    const appended = await this.#journal.append(this.shard.name, batch.records).then(succeed, fail);
    if (appended.type === 'failed') this.#fail(batch, appended.cause);
    else {
      const unanswered = this.#events.onCommit(this, batch, appended.value);
      this.dispatchedEnd = appended.value.baseOffset + batch.records.count;
      if (unanswered !== undefined) await unanswered;
      this.answeredEnd = this.dispatchedEnd;
    }
    batch.settle();
    batch.reset();
    this.#spare = batch;
    this.#underWay = undefined;
    if (this.#building.records.count > 0) this.#underWay = this.#commit();
  }

  /** With the batch goes what waited behind it: a publisher's messages must not be kept without those before them. */
  #fail(batch: IngestBatch<Origin>, cause: unknown): void {
    const behind = this.#building;
    this.#building = new IngestBatch<Origin>();
    this.#events.onFailure(this, batch, cause);
    batch.settle();
    if (behind.records.count > 0) this.#events.onFailure(this, behind, cause);
    behind.settle();
  }
}
