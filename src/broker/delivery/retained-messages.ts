import { RecordBatch, RecordView } from '../../journal/record-batch.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { RetainedTree } from '../router/retained-tree.ts';
import type { BrokerTopic, Message } from './message.ts';
import { addRecord, readRecord } from './record-message.ts';

/*
 * value := shard:u16 offset:f64 record
 *          where the message stands in the journal, from which it is sent again to a client that did not acknowledge it
 */
const OFFSET_AT = 2;
const RECORD_AT = 10;
/** Of a message that stands in no shard (any more); shards are numbered from 1. */
const NO_SHARD = 0;
const NOBODY = new Uint8Array(0);
const COUNT_HIT = counterId(METRICS.limitsHitTotal, 'retained_messages');
const SIZE_HIT = counterId(METRICS.limitsHitTotal, 'retained_size');
const DROPPED_QUOTA = counterId(METRICS.messagesDroppedTotal, 'quota');

export interface RetainedLimits {
  /** Topics with a retained message; those of `keepInMemory` do not count. */
  readonly maximumCount: number;
  /** Bytes of payload. 0: no limit. */
  readonly maximumPayload: number;
}

/** Where retained messages are made durable: placement, seen as little as needed. */
export interface RetainedStore {
  load(): AsyncIterable<{ readonly topic: string; readonly value: Uint8Array }>;
  /** An undefined value deletes. Settles when all are durable. */
  write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void>;
}

/**
 * The last retained message of each topic, all in memory for new subscribers, each change written behind: the newest for
 * a topic wins, one write is under way at a time.
 */
export class RetainedMessages {
  readonly #tree = new RetainedTree<Buffer>();
  readonly #store: RetainedStore;
  readonly #metrics: Metrics;
  readonly #limits: RetainedLimits;
  readonly #onFailure: (cause: unknown) => void;
  readonly #batch = new RecordBatch(4096);
  readonly #record = new RecordView();
  /** Topics of which placement knows nothing. */
  readonly #inMemory = new Set<string>();
  #bytes = 0;
  #changes = new Map<string, Uint8Array | undefined>();
  #underWay: Promise<void> | undefined;
  #scheduled = false;

  constructor(store: RetainedStore, metrics: Metrics, limits: RetainedLimits, onFailure: (cause: unknown) => void) {
    this.#store = store;
    this.#metrics = metrics;
    this.#limits = limits;
    this.#onFailure = onFailure;
  }

  /** Without those of `keepInMemory`. */
  get count(): number {
    return this.#tree.count - this.#inMemory.size;
  }

  /** Bytes kept for them, headers and properties included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `survives`: whether the records of a shard are still what they were in the last run. */
  async load(survives: (shard: number) => boolean): Promise<void> {
    for await (const { topic, value } of this.#store.load()) {
      const bytes = Buffer.from(value);
      if (!survives(bytes.readUInt16LE())) bytes.writeUInt16LE(NO_SHARD);
      this.#set(topic, bytes);
    }
  }

  /**
   * Notes the change; it is durable when a promise that `durable` gives from now on settles. What a limit does not allow
   * is counted and not kept, and neither is what it would have replaced: an old value must not pass for the present one.
   * Returns whether the limits allow it.
   */
  keep(message: Message): boolean {
    const topic = message.topic.name;
    const isEmpty = message.payloadEnd === message.payloadStart;
    const isAllowed = isEmpty || this.#mayKeep(message);
    if (isEmpty || !isAllowed) this.#forget(topic);
    else {
      const value = this.#encode(message);
      this.#set(topic, value);
      this.#change(topic, value);
    }
    return isAllowed;
  }

  /** Keeps the message for new subscribers of this run of the broker only. */
  keepInMemory(message: Message): void {
    const topic = message.topic.name;
    this.#inMemory.add(topic);
    this.#tree.set(topic, this.#encode(message));
  }

  /** Settles when every change noted so far is durable. */
  async durable(): Promise<void> {
    // What a failed write brought is among the changes again: those who waited behind it see for themselves.
    while (this.#underWay !== undefined) await this.#underWay.catch(() => undefined);
    if (this.#changes.size > 0) await this.#write();
  }

  /** Topics with a retained message that match the filter; `undefined` where the search should go on in another turn. */
  *matching(filter: string): Generator<string | undefined> {
    for (const entry of this.#tree.matching(filter)) yield entry?.topic;
  }

  /** Fills the message from what is kept for the topic, also where that has just been found expired and forgotten. */
  read(topic: BrokerTopic, message: Message, now: number): 'kept' | 'expired' | 'none' {
    const value = this.#tree.get(topic.name);
    if (value === undefined) return 'none';
    message.topic = topic;
    message.shard = value.readUInt16LE();
    message.offset = value.readDoubleLE(OFFSET_AT);
    if (readRecord(this.#record.at(value, RECORD_AT), message, now)) return 'kept';
    this.#forget(topic.name);
    return 'expired';
  }

  #mayKeep(message: Message): boolean {
    const { maximumCount, maximumPayload } = this.#limits;
    const isTooLarge = maximumPayload > 0 && message.payloadEnd - message.payloadStart > maximumPayload;
    if (!isTooLarge && (this.count < maximumCount || this.#tree.get(message.topic.name) !== undefined)) return true;
    this.#metrics.add(isTooLarge ? SIZE_HIT : COUNT_HIT, 1);
    this.#metrics.add(DROPPED_QUOTA, 1);
    return false;
  }

  #set(topic: string, value: Buffer): void {
    this.#bytes += value.length - (this.#tree.set(topic, value)?.length ?? 0);
  }

  #forget(topic: string): void {
    const before = this.#tree.delete(topic);
    if (before === undefined) return;
    this.#bytes -= before.length;
    this.#change(topic, undefined);
  }

  #encode(message: Message): Buffer {
    const batch = this.#batch;
    const position = addRecord(batch, message, NOBODY, 0);
    const value = Buffer.allocUnsafeSlow(RECORD_AT + batch.length - position);
    value.writeUInt16LE(message.shard === -1 ? NO_SHARD : message.shard);
    value.writeDoubleLE(message.offset, OFFSET_AT);
    batch.buffer.copy(value, RECORD_AT, position, batch.length);
    batch.reset();
    return value;
  }

  #change(topic: string, value: Uint8Array | undefined): void {
    this.#changes.set(topic, value);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      // Whoever has to wait for it asks `durable`; for all others the failure is told once, here.
      this.durable().catch(this.#onFailure);
    });
  }

  async #write(): Promise<void> {
    const changes = this.#changes;
    this.#changes = new Map();
    this.#underWay = this.#store.write(changes);
    try {
      await this.#underWay;
    } catch (error) {
      // Kept for the next try, unless something newer came meanwhile.
      for (const [topic, value] of changes) if (!this.#changes.has(topic)) this.#changes.set(topic, value);
      throw error;
    } finally {
      this.#underWay = undefined;
    }
  }
}
