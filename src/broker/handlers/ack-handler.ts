import type { Clock } from '../../base/clock.ts';
import { writeAck } from '../../mqtt/ack.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import { NO_SPAN, type Recorder, type SpanHandle } from '../../telemetry/recorder.ts';
import type { Recording } from '../../telemetry/recording.ts';
import type { PushRecorder } from '../../telemetry/records/push-recorder.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { CatchUp } from '../delivery/catch-up.ts';
import type { SharedDelivery } from '../delivery/shared-delivery.ts';
import type { HeldOutcome, SessionLog } from '../durability/session-log.ts';
import { AckOutcome } from '../session/inflight-window.ts';
import { isNoted, type Session } from '../session/session.ts';
import { ackSize, sendAck } from './send-ack.ts';
import type { ServedClient } from './served-client.ts';

const FIRST_FAILURE = 0x80;
const LARGEST_ACK_BYTES = 5;
const PUBACKS = counterId(METRICS.requestsTotal, 'puback');
const PUBRECS = counterId(METRICS.requestsTotal, 'pubrec');
const PUBRELS = counterId(METRICS.requestsTotal, 'pubrel');
const PUBCOMPS = counterId(METRICS.requestsTotal, 'pubcomp');

/** PUBACK, PUBREC and PUBCOMP from subscribers, PUBREL from publishers (MQTT 5 section 4.3). */
export class AckHandler {
  readonly #recorder: Recorder;
  readonly #pushes: PushRecorder;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #sessionLog: SessionLog;
  readonly #catchUp: CatchUp;
  readonly #shared: SharedDelivery;
  readonly #bytes = Buffer.alloc(LARGEST_ACK_BYTES);
  /** When the packets at hand were read; one clock read serves all of them. 0: not asked yet. */
  #readAt = 0;

  constructor(parts: {
    recording: Recording;
    metrics: Metrics;
    clock: Clock;
    sessionLog: SessionLog;
    catchUp: CatchUp;
    shared: SharedDelivery;
  }) {
    this.#recorder = parts.recording.spans;
    this.#pushes = parts.recording.pushes;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#sessionLog = parts.sessionLog;
    this.#catchUp = parts.catchUp;
    this.#shared = parts.shared;
  }

  acknowledge(connection: ServedClient, type: number, packetId: number, reasonCode: ReasonCode): void {
    const session = connection.session!;
    switch (type) {
      case PacketType.puback:
        this.#metrics.add(PUBACKS, 1);
        this.#finish(connection, session, packetId, session.window.acknowledge(packetId), reasonCode);
        return;
      case PacketType.pubrec:
        this.#metrics.add(PUBRECS, 1);
        if (reasonCode >= FIRST_FAILURE)
          this.#finish(connection, session, packetId, session.window.refused(packetId), reasonCode);
        else this.#received(connection, session, packetId);
        return;
      case PacketType.pubcomp:
        this.#metrics.add(PUBCOMPS, 1);
        this.#finish(connection, session, packetId, session.window.completed(packetId), reasonCode);
        return;
      default:
        this.#metrics.add(PUBRELS, 1);
        this.#release(connection, session, packetId);
    }
  }

  /** Everything that was read has been dealt with. */
  endRead(): void {
    if (this.#readAt === 0) return;
    this.#readAt = 0;
    this.#pushes.endAcknowledged();
  }

  #now(): number {
    if (this.#readAt === 0) this.#readAt = this.#clock.now();
    return this.#readAt;
  }

  /** The client can take more: for itself, and for the groups it belongs to. */
  roomMade(session: Session): void {
    this.#catchUp.roomMade(session);
    this.#shared.wake(session);
  }

  #finish(
    connection: ServedClient,
    session: Session,
    packetId: number,
    outcome: AckOutcome,
    reasonCode: ReasonCode,
  ): void {
    if (outcome === AckOutcome.wrongState) {
      connection.close(CLOSE_REASONS.protocolError);
      return;
    }
    if (outcome !== AckOutcome.done) return;
    const { span, group, sentAt } = session.window;
    if (sentAt > 0) recordStage(this.#metrics, STAGES.confirm, this.#now() - sentAt);
    if (span !== NO_SPAN) this.#pushes.acknowledged(span, reasonCode, this.#now());
    if (isNoted(session, group)) {
      session.dirty = true;
      this.#sessionLog.acknowledged(session, packetId);
    }
    this.roomMade(session);
  }

  /** PUBREC: from now on only PUBREL is owed, and that must survive the broker before it is said [MQTT-4.3.3-4]. */
  #received(connection: ServedClient, session: Session, packetId: number): void {
    const outcome = session.window.received(packetId);
    if (outcome === AckOutcome.wrongState) {
      connection.close(CLOSE_REASONS.protocolError);
      return;
    }
    if (outcome === AckOutcome.unknown) {
      sendAck(connection, PacketType.pubrel, packetId, ReasonCode.packetIdentifierNotFound);
      return;
    }
    const { span } = session.window;
    if (span !== NO_SPAN) this.#pushes.received(span, this.#now());
    if (!session.persistent) {
      sendAck(connection, PacketType.pubrel, packetId, ReasonCode.success);
      return;
    }
    session.dirty = true;
    this.#sessionLog.received(session, packetId);
    this.#sendAfterCommit(connection, PacketType.pubrel, packetId, ReasonCode.success);
  }

  /** PUBREL: a PUBLISH with this identifier is a new message from now on, which must survive the broker before PUBCOMP. */
  #release(connection: ServedClient, session: Session, packetId: number): void {
    const state = session.inbound.release(packetId);
    const reasonCode = state === 'stored' ? ReasonCode.success : ReasonCode.packetIdentifierNotFound;
    const span = this.#beginRelease(session, packetId, reasonCode);
    if (state === 'stored' && connection.inboundPending > 0) connection.inboundPending -= 1;
    if (session.persistent) {
      if (state === 'stored') {
        session.dirty = true;
        this.#sessionLog.released(session, packetId, session.inbound.shard, session.inbound.offset);
      }
      // One that releases nothing may repeat one that did, and is not answered before that is durable.
      this.#sendAfterCommit(connection, PacketType.pubcomp, packetId, reasonCode, span);
      return;
    }
    sendAck(connection, PacketType.pubcomp, packetId, reasonCode);
    if (span !== NO_SPAN) this.#recorder.end(span, this.#clock.now());
  }

  /** In the trace of the PUBLISH that is released; one that releases nothing is on its own. */
  #beginRelease(session: Session, packetId: number, reasonCode: ReasonCode): SpanHandle {
    const recorder = this.#recorder;
    const { context } = session.inbound;
    const isReleased = reasonCode === ReasonCode.success;
    if (isReleased && context === undefined) return NO_SPAN;
    const at = this.#clock.now();
    const span = isReleased
      ? recorder.continued(SPANS.mqttPubrel, context!, 0, at)
      : recorder.root(SPANS.mqttPubrel, at);
    recorder.attribute(span, ATTRIBUTES.mqttClientId, session.clientId);
    recorder.attribute(span, ATTRIBUTES.mqttPacketId, packetId);
    recorder.attribute(span, ATTRIBUTES.mqttReasonCode, reasonCode);
    return span;
  }

  /** `span`, where there is one, ends when the packet has left, or fails with it. */
  #sendAfterCommit(
    connection: ServedClient,
    type: (typeof PacketType)['pubrel' | 'pubcomp'],
    packetId: number,
    reasonCode: ReasonCode,
    span: SpanHandle = NO_SPAN,
  ): void {
    const size = ackSize(reasonCode, connection.version);
    writeAck(this.#bytes, 0, type, packetId, reasonCode, connection.version);
    const onSettled = span === NO_SPAN ? undefined : this.#ending(span);
    this.#sessionLog.afterCommit(connection, this.#bytes.subarray(0, size), onSettled);
  }

  #ending(span: SpanHandle): HeldOutcome {
    return (failure) => {
      if (failure !== undefined)
        this.#recorder.fail(span, 'storage_failed', 'the release could not be stored', failure.cause);
      this.#recorder.end(span, this.#clock.now());
    };
  }
}
