import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../base/clock.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import { PAYLOAD_IS_TEXT, type PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { type CounterId, counterId, histogramId, type Metrics } from '../../telemetry/metrics.ts';
import { SHAPE, type Shape } from '../../telemetry/records/message-entry.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import { CLOSE_REASONS, closeReasonFor } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import type { IngestBatch } from '../delivery/ingest.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import { Message } from '../delivery/message.ts';
import type { MessageFlow } from '../delivery/message-flow.ts';
import type { Receiver } from '../session/receiver.ts';
import type { PublishAdmission } from './publish-admission.ts';
import type { PublishRun } from './publish-run.ts';
import type { PublishTrace } from './publish-trace.ts';
import { sendAck } from './send-ack.ts';

const RECEIVED = [
  counterId(METRICS.messagesReceivedTotal, '0'),
  counterId(METRICS.messagesReceivedTotal, '1'),
  counterId(METRICS.messagesReceivedTotal, '2'),
];
const PAYLOAD_BYTES = counterId(METRICS.payloadBytesReceivedTotal);
const REQUESTS = counterId(METRICS.requestsTotal, 'publish');
const ERRORS = counterId(METRICS.requestErrorsTotal, 'publish');
const LATENCY = histogramId(METRICS.requestDurationSeconds, 'publish');
const STORAGE_FAILED = counterId(METRICS.messagesDroppedTotal, 'storage_failed');
const RECEIVE_MAXIMUM_HIT = counterId(METRICS.limitsHitTotal, 'receive_maximum');

/** Why a message is not taken. */
interface Refusal {
  readonly reasonCode: ReasonCode;
  readonly dropped: CounterId;
  readonly errorType: string;
  readonly message: string;
  readonly shape: Shape;
}

const NOT_AUTHORIZED: Refusal = {
  reasonCode: ReasonCode.notAuthorized,
  dropped: counterId(METRICS.messagesDroppedTotal, 'not_authorized'),
  errorType: 'not_authorized',
  message: 'no rule allows publishing to this topic',
  shape: SHAPE.unauthorized,
};
/** MQTT 5 section 3.3.2.3.2. */
const NOT_TEXT: Refusal = {
  reasonCode: ReasonCode.payloadFormatInvalid,
  dropped: counterId(METRICS.messagesDroppedTotal, 'payload_format'),
  errorType: 'payload_format_invalid',
  message: 'the payload was announced as UTF-8 and is not',
  shape: SHAPE.refused,
};

/**
 * The way of a PUBLISH from the read buffer on. QoS 0 is matched and pushed at once; QoS 1 and 2 go to the journal and
 * come back in `answer` when their batch is durable.
 */
export class PublishHandler {
  readonly #admission: PublishAdmission;
  readonly #run: PublishRun;
  readonly #trace: PublishTrace;
  readonly #flow: MessageFlow;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #receiveMaximum: number;
  readonly #message = new Message();
  /** When the bytes at hand were read; one clock read serves all messages in them. 0: not asked yet. */
  #readAt = 0;
  #direct = 0;
  #directBytes = 0;
  /** Of the read at hand: messages on their way to the journal that are recorded, and those that were not taken. */
  #stored = 0;
  #refused = 0;

  constructor(parts: {
    admission: PublishAdmission;
    run: PublishRun;
    trace: PublishTrace;
    flow: MessageFlow;
    metrics: Metrics;
    clock: Clock;
    receiveMaximum: number;
  }) {
    this.#admission = parts.admission;
    this.#run = parts.run;
    this.#trace = parts.trace;
    this.#flow = parts.flow;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#receiveMaximum = parts.receiveMaximum;
  }

  publish(connection: Connection, buffer: Buffer, start: number, end: number, view: PublishView): void {
    if (this.#readAt === 0) this.#readAt = this.#clock.now();
    const topic = this.#admission.topicOf(connection, buffer, view);
    if (topic === undefined) return;
    const isCached = this.#admission.isDecided(connection, topic);
    const isAllowed = isCached ? connection.lastDecision.allowed : this.#admission.decide(connection, topic);
    if (view.qos === 0 && isAllowed && connection.version === 4 && !view.retain && connection.mountPoint === '') {
      const payloadBytes = view.payloadEnd - view.payloadStart;
      this.#direct += 1;
      this.#directBytes += payloadBytes;
      this.#run.add(connection, buffer, start, end, topic, payloadBytes, this.#readAt);
      return;
    }
    this.#run.flush();
    const message = this.#message;
    this.#trace.begin(message, connection, topic, buffer, view, this.#readAt);
    this.#trace.decided(message, connection, isCached);
    if (isAllowed) this.#publishOne(message, connection, topic, buffer, view);
    else this.#refuse(message, connection, view, NOT_AUTHORIZED);
  }

  /** Ends what `publish` began for the bytes at hand. */
  endRead(): void {
    if (this.#readAt === 0) return;
    const pushedAt = this.#run.flush();
    const now = pushedAt > 0 ? pushedAt : this.#clock.now();
    this.#flow.endRead(now);
    this.#trace.endRead(now);
    if (this.#direct > 0) {
      this.#metrics.add(RECEIVED[0]!, this.#direct);
      this.#metrics.add(PAYLOAD_BYTES, this.#directBytes);
      this.#metrics.add(REQUESTS, this.#direct);
      this.#metrics.observe(LATENCY, (now - this.#readAt) / 1000, this.#direct);
      this.#direct = 0;
      this.#directBytes = 0;
    }
    this.#observe(now - this.#readAt);
    this.#readAt = 0;
  }

  #observe(sinceReadMs: number): void {
    if (this.#stored > 0) recordStage(this.#metrics, STAGES.admit, sinceReadMs, this.#stored);
    if (this.#refused > 0) this.#metrics.observe(LATENCY, sinceReadMs / 1000, this.#refused);
    this.#stored = 0;
    this.#refused = 0;
  }

  #publishOne(message: Message, connection: Connection, topic: BrokerTopic, buffer: Buffer, view: PublishView): void {
    const { qos } = view;
    if (view.payloadFormat === PAYLOAD_IS_TEXT && !isUtf8(buffer.subarray(view.payloadStart, view.payloadEnd))) {
      this.#refuse(message, connection, view, NOT_TEXT);
      return;
    }
    if (qos > 0 && !this.#admitConfirmed(message, connection, view)) return;
    this.#admission.fill(message, connection, topic, buffer, view, this.#readAt);
    if (qos === 0) {
      if (view.retain) this.#flow.retain(message);
      this.#direct += 1;
      this.#directBytes += view.payloadEnd - view.payloadStart;
      message.dispatchedAt = message.isTraced ? this.#clock.now() : 0;
      this.#flow.deliver(message);
      this.#trace.direct(message, SHAPE.direct, message.dispatchedAt);
      return;
    }
    this.#metrics.add(RECEIVED[qos]!, 1);
    this.#metrics.add(PAYLOAD_BYTES, view.payloadEnd - view.payloadStart);
    connection.inboundPending += 1;
    if (message.isTraced) this.#stored += 1;
    this.#flow.store(message, connection, connection.session, view.packetId);
  }

  /** Flow control and repeats. False: the packet has been dealt with. */
  #admitConfirmed(message: Message, connection: Connection, view: PublishView): boolean {
    const { inbound } = connection.session!;
    if (view.qos === 2) {
      const state = inbound.state(view.packetId);
      if (state !== 'unknown') {
        // [MQTT-4.3.3-10]: a repeat is answered again, and not published again. One still on its way is answered then.
        if (state === 'stored') sendAck(connection, PacketType.pubrec, view.packetId, ReasonCode.success);
        else inbound.repeated(view.packetId, connection);
        this.#trace.direct(message, SHAPE.repeated, this.#readAt);
        return false;
      }
    }
    // MQTT 3.1.1 clients have not heard of a receive maximum. What is unreleased from an earlier connection counts too.
    const pending = view.qos === 2 ? Math.max(connection.inboundPending, inbound.count) : connection.inboundPending;
    if (connection.version === 4 || pending < this.#receiveMaximum) {
      if (view.qos === 2) inbound.add(view.packetId);
      return true;
    }
    // [MQTT-3.3.4-7], [MQTT-3.3.4-8]
    this.#metrics.add(RECEIVE_MAXIMUM_HIT, 1);
    this.#trace.fail(
      message,
      SHAPE.refused,
      'receive_maximum_exceeded',
      'more messages on their way than the broker allows',
    );
    connection.close(closeReasonFor(ReasonCode.receiveMaximumExceeded));
    return false;
  }

  /**
   * Nobody gets the message. MQTT 5 clients are told why; 3.1.1 has no words for it [MQTT-3.3.5-2]. At QoS 0 there is no
   * answer: one message that is not taken is no reason to end a connection with others on their way.
   */
  #refuse(message: Message, connection: Connection, view: PublishView, refusal: Refusal): void {
    this.#metrics.add(refusal.dropped, 1);
    this.#metrics.add(REQUESTS, 1);
    this.#metrics.add(ERRORS, 1);
    this.#refused += 1;
    const answer = connection.version === 5 ? refusal.reasonCode : ReasonCode.success;
    if (view.qos === 1) sendAck(connection, PacketType.puback, view.packetId, answer);
    else if (view.qos === 2) sendAck(connection, PacketType.pubrec, view.packetId, answer);
    this.#trace.fail(message, refusal.shape, refusal.errorType, refusal.message);
  }

  /** A message of the batch is durable: answers its publisher. `now` is shared by the batch. */
  answer(batch: IngestBatch<Connection>, index: number, shard: number, offset: number, now: number): void {
    const connection = batch.origins[index];
    const packetId = batch.packetIds[index]!;
    const qos = batch.qos[index]!;
    const reasonCode = batch.matched[index] ? ReasonCode.success : ReasonCode.noMatchingSubscribers;
    this.#metrics.add(REQUESTS, 1);
    this.#metrics.observe(LATENCY, (now - batch.receivedAt[index]!) / 1000, 1);
    const publisher = batch.publishers[index];
    if (qos === 2 && publisher !== undefined) {
      const context = batch.contextOf(index);
      const repeater = publisher.inbound.markStored(packetId, shard, offset, context);
      // Or a checkpoint would pass the message without its identifier.
      publisher.dirty = true;
      if (repeater?.closed === false) sendAck(repeater, PacketType.pubrec, packetId, reasonCode);
    }
    if (connection !== undefined && !connection.closed) {
      if (qos === 1) connection.inboundPending -= 1;
      sendAck(connection, qos === 1 ? PacketType.puback : PacketType.pubrec, packetId, reasonCode);
    }
  }

  /** A message could not be kept: its publisher must not believe it was. */
  answerFailure(batch: IngestBatch<Connection>, index: number, now: number): void {
    const connection = batch.origins[index];
    const packetId = batch.packetIds[index]!;
    const qos = batch.qos[index]!;
    this.#metrics.add(REQUESTS, 1);
    this.#metrics.add(ERRORS, 1);
    this.#metrics.observe(LATENCY, (now - batch.receivedAt[index]!) / 1000, 1);
    this.#metrics.add(STORAGE_FAILED, 1);
    const repeater = qos === 2 ? batch.publishers[index]?.inbound.forget(packetId) : undefined;
    if (repeater !== undefined) refuseStorage(repeater, qos, packetId);
    if (connection !== undefined && !connection.closed) connection.inboundPending -= 1;
    if (connection !== undefined) refuseStorage(connection, qos, packetId);
  }
}

/** MQTT 5 has a word for it; an MQTT 3.1.1 client takes the end of the connection for one. */
function refuseStorage(client: Receiver, qos: number, packetId: number): void {
  if (client.closed) return;
  if (client.version === 4) client.close(CLOSE_REASONS.quotaExceeded);
  else sendAck(client, qos === 1 ? PacketType.puback : PacketType.pubrec, packetId, ReasonCode.quotaExceeded);
}
