import type { Clock } from '../../base/clock.ts';
import type { Journal, JournalEntry } from '../../journal/journal.ts';
import { RecordView } from '../../journal/record-batch.ts';
import { writeAck } from '../../mqtt/ack.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { type CounterId, counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { messageContext } from '../../telemetry/records/message-recorder.ts';
import { PUSH_FLAG } from '../../telemetry/records/push-record.ts';
import { FLAGS_AT, SAMPLED_FLAG } from '../../telemetry/trace-context.ts';
import type { SessionLog } from '../durability/session-log.ts';
import type { Router } from '../router/router.ts';
import type { Subscription } from '../router/subscription.ts';
import { isOfGroup, isOfOwn, numberOfOwn } from '../router/subscription-number.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { FROM_RETAINED, InflightState } from '../session/inflight-window.ts';
import type { Receiver } from '../session/receiver.ts';
import type { Session } from '../session/session.ts';
import type { LateDelivery } from './late-delivery.ts';
import { Message } from './message.ts';
import type { PublishEncoder } from './publish-encoder.ts';
import { hiddenBytes } from './pusher.ts';
import { readRecord } from './record-message.ts';

const DUPLICATE_FLAG = 0b1000;
const DROPPED_RETENTION = counterId(METRICS.messagesDroppedTotal, 'retention');
const DROPPED_TOO_LARGE = counterId(METRICS.messagesDroppedTotal, 'too_large');

/**
 * Sends again what a client had not acknowledged when its connection ended: the same message under the same packet
 * identifier, with DUP [MQTT-4.4.0-1] [MQTT-3.3.1-1]; for a QoS 2 message it had received, the PUBREL.
 */
export class Redelivery {
  readonly #journal: Journal;
  readonly #shardName: (shard: number) => string | undefined;
  readonly #encoder: PublishEncoder;
  readonly #late: LateDelivery;
  readonly #router: Router<Session>;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #sessionLog: SessionLog;
  readonly #recording: Recording;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #message = new Message();
  readonly #record = new RecordView();
  readonly #context = messageContext();

  constructor(parts: {
    journal: Journal;
    shardName: (shard: number) => string | undefined;
    encoder: PublishEncoder;
    late: LateDelivery;
    router: Router<Session>;
    topics: TopicTable<Session, undefined>;
    sessionLog: SessionLog;
    recording: Recording;
    metrics: Metrics;
    clock: Clock;
  }) {
    this.#journal = parts.journal;
    this.#shardName = parts.shardName;
    this.#encoder = parts.encoder;
    this.#late = parts.late;
    this.#router = parts.router;
    this.#topics = parts.topics;
    this.#sessionLog = parts.sessionLog;
    this.#recording = parts.recording;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
  }

  /** Sends the first of `session.redeliver` and takes it off the list. */
  async sendNext(session: Session): Promise<void> {
    const packetId = session.redeliver[0]!;
    const { receiver, window } = session;
    if (!window.resent(packetId, this.#clock.now(), 0)) {
      session.redeliver.shift();
      return;
    }
    if (window.state === InflightState.received) {
      const pubrel = Buffer.alloc(4);
      writeAck(pubrel, 0, PacketType.pubrel, packetId, ReasonCode.success, receiver!.version);
      this.#sendPromise(session, pubrel);
      session.redeliver.shift();
      return;
    }
    const { qos, shard, offset, group } = window;
    const entry = await this.#read(shard, offset);
    if (session.receiver !== receiver || session.redeliver[0] !== packetId) return;
    session.redeliver.shift();
    // Acknowledged meanwhile.
    if (!window.resent(packetId, this.#clock.now(), 0)) return;
    if (entry === undefined) this.#giveUp(session, packetId, qos, DROPPED_RETENTION);
    else this.#send(session, packetId, qos, shard, group, entry);
  }

  async #read(shard: number, offset: number): Promise<JournalEntry | undefined> {
    const name = this.#shardName(shard);
    if (name === undefined) return undefined;
    const { entries } = await this.#journal.read(name, { from: offset, maxRecords: 1, maxBytes: 1 });
    return entries[0]?.offset === offset ? entries[0] : undefined;
  }

  #send(session: Session, packetId: number, qos: number, shard: number, group: number, entry: JournalEntry): void {
    const receiver = session.receiver!;
    const message = this.#message;
    const record = this.#record.at(entry.buffer, entry.position);
    // One that has expired is still sent: the client may have received it before and waits for the rest of the exchange.
    readRecord(record, message, this.#clock.now());
    if (message.expirySeconds === 0) message.expirySeconds = 1;
    message.topic = this.#topics.intern(record.buffer, record.topicStart, record.topicEnd);
    message.shard = shard;
    message.offset = entry.offset;
    const { pushes } = this.#recording;
    const handle = this.#late.begin(message, session, qos, PUSH_FLAG.redelivered);
    pushes.identity(handle, this.#context.words);
    this.#context.bytes[FLAGS_AT] = pushes.isHead(handle) ? SAMPLED_FLAG : 0;
    const encoder = this.#encoder;
    const { retain, identifiers } = this.#termsOf(session, message.topic.name, group);
    encoder.begin();
    encoder.encodeFor(
      receiver,
      hiddenBytes(session, message),
      message,
      qos,
      group === FROM_RETAINED || (message.retain && retain),
      identifiers,
      handle === 0 ? undefined : this.#context.bytes,
    );
    const size = encoder.end - encoder.start;
    if (size > receiver.maximumPacketSize) {
      this.#giveUp(session, packetId, qos, DROPPED_TOO_LARGE);
      pushes.dropped(handle, PUSH_FLAG.droppedTooLarge);
    } else {
      session.window.resent(packetId, this.#clock.now(), handle);
      pushes.sent(handle, packetId);
      encoder.bytes[encoder.start]! |= DUPLICATE_FLAG;
      encoder.bytes.writeUInt16BE(packetId, encoder.start + encoder.packetIdAt);
      const packet = encoder.bytes.subarray(encoder.start, encoder.end);
      if (qos === 2) this.#sendPromise(session, packet);
      else {
        send(receiver, packet);
        receiver.aliasesToClient?.sent();
      }
    }
    pushes.endStage(this.#clock.now());
  }

  /** What QoS 2 promises: what was noted with its first sending may still be on its way to the disk. */
  #sendPromise(session: Session, packet: Uint8Array): void {
    const receiver = session.receiver!;
    if (session.persistent) this.#sessionLog.afterCommit(receiver, packet);
    else send(receiver, packet);
  }

  /** The message is gone from the journal, or the client that came back takes only smaller ones. */
  #giveUp(session: Session, packetId: number, qos: number, counter: CounterId): void {
    if (qos === 1) session.window.acknowledge(packetId);
    else session.window.refused(packetId);
    this.#metrics.add(counter, 1);
    if (session.persistent) this.#sessionLog.acknowledged(session, packetId);
  }

  /** On what terms the session gets the message: those of the subscriptions through which it was chosen. */
  #termsOf(session: Session, topic: string, group: number): { retain: boolean; identifiers: readonly number[] } {
    const chosen = isOfGroup(group)
      ? this.#membershipsOf(session, group)
      : this.#router
          .subscriptionsCovering(session, topic)
          .filter(({ filter }) => !isOfOwn(group) || numberOfOwn(filter) === group);
    return {
      retain: chosen.some((subscription) => subscription.retainAsPublished),
      identifiers: chosen.flatMap((subscription) => subscription.identifiers),
    };
  }

  #membershipsOf(session: Session, number: number): Subscription<Session>[] {
    const group = this.#router.groupNumbered(number);
    const membership = group && this.#router.find(session, group.filter);
    return membership === undefined ? [] : [membership];
  }
}

function send(receiver: Receiver, packet: Uint8Array): void {
  const at = receiver.reserve(packet.length);
  receiver.output.set(packet, at);
}
