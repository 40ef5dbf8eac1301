import type { Clock } from '../../base/clock.ts';
import type { Journal } from '../../journal/journal.ts';
import { RecordKind, RecordView } from '../../journal/record-batch.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { SessionLog } from '../durability/session-log.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { LIVE, placeOf, type Session } from '../session/session.ts';
import type { DroppedMessages } from './dropped-messages.ts';
import { type GroupState, mayTake, type Returned } from './group-state.ts';
import type { LateDelivery } from './late-delivery.ts';
import { Message } from './message.ts';
import type { ShardProgress } from './progress.ts';
import { readRecord } from './record-message.ts';

const READ_RECORDS = 256;
const READ_BYTES = 256 * 1024;
const DROPPED_RETENTION = counterId(METRICS.messagesDroppedTotal, 'retention');

export interface GroupPumpParts {
  readonly journal: Journal;
  readonly late: LateDelivery;
  readonly dropped: DroppedMessages;
  readonly sessionLog: SessionLog;
  readonly topics: TopicTable<Session, undefined>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly shards: readonly ShardProgress[];
}

/** Brings a group that is behind forward: first what members gave back, then the journal from its positions on. */
export class GroupPump {
  readonly #journal: Journal;
  readonly #late: LateDelivery;
  readonly #dropped: DroppedMessages;
  readonly #sessionLog: SessionLog;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #shards: readonly ShardProgress[];
  readonly #message = new Message();
  readonly #record = new RecordView();

  constructor(parts: GroupPumpParts) {
    this.#journal = parts.journal;
    this.#late = parts.late;
    this.#dropped = parts.dropped;
    this.#sessionLog = parts.sessionLog;
    this.#topics = parts.topics;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#shards = parts.shards;
  }

  /** As far as the members can take. */
  async run(state: GroupState): Promise<void> {
    for (const progress of this.#shards)
      while (state.hasReturned || state.positions[progress.shard.number] !== LIVE)
        if (!(await (state.hasReturned ? this.#sendReturned(state) : this.#readOn(state, progress)))) return;
  }

  /** False: no member can take it now. */
  async #sendReturned(state: GroupState): Promise<boolean> {
    const returned = state.oldestReturned!;
    const { shard, offset } = returned;
    if (!state.hasTaker) return false;
    const name = this.#shards.find((progress) => progress.shard.number === shard)?.shard.name;
    const request = { from: offset, maxRecords: 1, maxBytes: 1 };
    const entry = name === undefined ? undefined : (await this.#journal.read(name, request)).entries[0];
    // Its member came back while it was read, or an older message did.
    if (state.oldestReturned !== returned) return true;
    if (entry?.offset !== offset) this.#metrics.add(DROPPED_RETENTION, 1);
    else if (!this.#send(state, entry.buffer, entry.position, shard, offset)) return false;
    state.takeOldestReturned();
    this.#withdraw(returned);
    return true;
  }

  /**
   * The member that is away does not get again what another has now. Noted in the same record of the session log as the
   * sending to that other, so that a crash leaves the message with one of them.
   */
  #withdraw({ holder }: Returned): void {
    if (holder === undefined) return;
    const { session, packetId } = holder;
    session.window.acknowledge(packetId);
    session.dirty = true;
    this.#sessionLog.acknowledged(session, packetId);
  }

  async #readOn(state: GroupState, progress: ShardProgress): Promise<boolean> {
    const { number, name } = progress.shard;
    const from = state.positions[number]!;
    if (!state.hasTaker) return false;
    const { entries, next, lost } = await this.#journal.read(name, {
      from,
      filters: [state.group.topicFilter],
      maxRecords: READ_RECORDS,
      maxBytes: READ_BYTES,
    });
    // What has come back meanwhile is older than what was read.
    if (state.hasReturned) return true;
    if (lost > 0) this.#metrics.add(DROPPED_RETENTION, lost);
    for (const entry of entries) {
      if (entry.offset >= progress.dispatchedEnd) break;
      if (state.held.size > 0 && state.held.delete(placeOf(number, entry.offset))) continue;
      if (!this.#send(state, entry.buffer, entry.position, number, entry.offset)) {
        state.positions[number] = entry.offset;
        return false;
      }
    }
    const reached = Math.min(next, progress.dispatchedEnd);
    state.positions[number] = reached === progress.dispatchedEnd ? LIVE : reached;
    return true;
  }

  /** To the next member in turn. False: none can take it. */
  #send(state: GroupState, buffer: Uint8Array, position: number, shard: number, offset: number): boolean {
    const record = this.#record.at(buffer, position);
    if (record.kind !== RecordKind.message) return true;
    const message = this.#message;
    const isAlive = readRecord(record, message, this.#clock.now());
    message.topic = this.#topics.intern(record.buffer, record.topicStart, record.topicEnd);
    if (!state.group.sees(message.topic.name)) return true;
    if (!isAlive) {
      this.#dropped.late(message, 'expired');
      return true;
    }
    const member = state.group.next(mayTake);
    if (member === undefined) return false;
    message.shard = shard;
    message.offset = offset;
    if (state.group.outlivesBroker) member.session.inLastingGroup = true;
    // [MQTT-4.8.2-3]
    const qos = Math.min(message.qos, member.qos);
    this.#late.send(message, member, qos, message.retain && member.retainAsPublished, state.group.number);
    return true;
  }
}
