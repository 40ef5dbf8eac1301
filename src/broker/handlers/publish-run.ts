import type { Clock } from '../../base/clock.ts';
import { FrameScan, scanFrame } from '../../mqtt/frame.ts';
import { parsePublish } from '../../mqtt/parse-publish.ts';
import { PublishView } from '../../mqtt/publish-view.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { Recording } from '../../telemetry/recording.ts';
import { ENTRY, SHAPE } from '../../telemetry/records/message-entry.ts';
import type { RunStage } from '../../telemetry/records/run-recorder.ts';
import { recordStage, STAGES } from '../../telemetry/stage.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import { Message } from '../delivery/message.ts';
import { type Pusher, takesVerbatim } from '../delivery/pusher.ts';
import type { MatchSet } from '../router/match-set.ts';
import type { Router } from '../router/router.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Receiver } from '../session/receiver.ts';
import type { Session } from '../session/session.ts';
import type { BrokerLoad, PublishTrace, TracedPublisher } from './publish-trace.ts';

const DELIVERED = counterId(METRICS.messagesDeliveredTotal, '0');
const PAYLOAD_BYTES = counterId(METRICS.payloadBytesSentTotal);
const DROPPED_QUEUE_FULL = counterId(METRICS.messagesDroppedTotal, 'queue_full');

/** An MQTT 3.1.1 client with a session. */
type RunPublisher = TracedPublisher & { readonly session: Session | undefined };

/**
 * Consecutive QoS 0 messages of an MQTT 3.1.1 client to the same set of subscribers. To a subscriber of the same version
 * they go as they came, byte for byte, so that the whole run is one copy for each subscriber, however many messages it
 * holds. Everybody else gets the messages one by one.
 */
export class PublishRun {
  readonly #router: Router<Session>;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #pusher: Pusher;
  readonly #metrics: Metrics;
  readonly #recording: Recording;
  readonly #trace: PublishTrace;
  readonly #load: BrokerLoad;
  readonly #clock: Clock;
  readonly #stage: RunStage = {
    receivedAt: 0,
    admittedAt: 0,
    pushedAt: 0,
    client: 0,
    rule: 0,
    connections: 0,
    threshold: 0,
    matched: 0,
  };
  readonly #frame = new FrameScan();
  readonly #view = new PublishView();
  readonly #message = new Message();
  #buffer: Buffer | undefined;
  #publisher: RunPublisher | undefined;
  #matches: MatchSet<Session> | undefined;
  #topic: BrokerTopic | undefined;
  #rule = '';
  /** Those that had no room for the run at hand. */
  readonly #missed = new Set<Receiver>();
  #start = 0;
  #end = 0;
  #count = 0;
  #payloadBytes = 0;

  constructor(parts: {
    router: Router<Session>;
    topics: TopicTable<Session, undefined>;
    pusher: Pusher;
    metrics: Metrics;
    recording: Recording;
    trace: PublishTrace;
    load: BrokerLoad;
    clock: Clock;
  }) {
    this.#router = parts.router;
    this.#topics = parts.topics;
    this.#pusher = parts.pusher;
    this.#metrics = parts.metrics;
    this.#recording = parts.recording;
    this.#trace = parts.trace;
    this.#load = parts.load;
    this.#clock = parts.clock;
  }

  /** Adds the packet at `[start, end)`; `flush` must follow before the buffer changes. */
  add(
    connection: RunPublisher,
    buffer: Buffer,
    start: number,
    end: number,
    topic: BrokerTopic,
    payloadBytes: number,
    readAt: number,
  ): void {
    const { runs, texts, enabled } = this.#recording;
    if (this.#count > 0) {
      if (
        start === this.#end &&
        (topic === this.#topic || this.#isAlike(connection, topic)) &&
        buffer === this.#buffer &&
        connection.lastDecision.rule === this.#rule &&
        !runs.isFull
      ) {
        if (enabled) runs.message(texts.ofBytes(topic, topic.bytes), payloadBytes);
        this.#end = end;
        this.#count += 1;
        this.#payloadBytes += payloadBytes;
        return;
      }
      this.flush();
    }
    this.#matches = this.#router.match(topic);
    this.#topic = topic;
    this.#buffer = buffer;
    this.#publisher = connection;
    this.#rule = connection.lastDecision.rule;
    this.#stage.threshold = this.#recording.head.thresholdOfPublish(connection.lastHead, connection, topic);
    this.#stage.receivedAt = readAt;
    if (enabled) runs.message(texts.ofBytes(topic, topic.bytes), payloadBytes);
    this.#start = start;
    this.#end = end;
    this.#count = 1;
    this.#payloadBytes = payloadBytes;
  }

  /** Another topic, of the same subscribers and at the same rate. */
  #isAlike(connection: RunPublisher, topic: BrokerTopic): boolean {
    if (this.#router.match(topic) !== this.#matches) return false;
    const { head } = this.#recording;
    return head.thresholdOfPublish(connection.lastHead, connection, topic) === this.#stage.threshold;
  }

  /** When the run had been pushed; 0 where nobody asked the clock. */
  flush(): number {
    const count = this.#count;
    if (count === 0) return 0;
    this.#count = 0;
    const { members, groups } = this.#matches!;
    const publisher = this.#publisher!.session!.number;
    const { enabled } = this.#recording;
    const admittedAt = enabled ? this.#clock.now() : 0;
    // A payload is told of each message by itself.
    let others = groups.length > 0 || this.#recording.content?.tellsPayloads === true;
    for (let index = 0; index < members.length; index += 1) {
      const member = members[index]!;
      const receiver = member.session.receiver;
      if (receiver === undefined) continue;
      if (takesVerbatim(member, publisher)) this.#copyTo(receiver, count);
      else others = true;
    }
    let pushedAt = 0;
    if (others) this.#pushOneByOne(publisher, admittedAt);
    else if (enabled) pushedAt = this.#record(admittedAt, count);
    if (this.#missed.size > 0) this.#missed.clear();
    return pushedAt;
  }

  /** The run as one record; what went to others one by one has been recorded so. Returns when it had been pushed. */
  #record(admittedAt: number, count: number): number {
    const { runs, clients, texts } = this.#recording;
    const stage = this.#stage;
    const connection = this.#publisher!;
    const { members, groups } = this.#matches!;
    stage.admittedAt = admittedAt;
    stage.client = clients.of(connection);
    stage.rule = texts.ofText(connection.lastRule, this.#rule);
    stage.connections = this.#load.connectionCount();
    stage.matched = members.length + groups.length;
    stage.pushedAt = this.#clock.now();
    runs.finish(stage);
    recordStage(this.#metrics, STAGES.admit, admittedAt - stage.receivedAt, count);
    recordStage(this.#metrics, STAGES.push, stage.pushedAt - admittedAt, count);
    return stage.pushedAt;
  }

  #copyTo(receiver: Receiver, count: number): void {
    const { runs, clients, enabled } = this.#recording;
    const size = this.#end - this.#start;
    const hasRoom = receiver.hasRoomFor(size);
    if (enabled) runs.pushed(clients.of(receiver), !hasRoom);
    if (!hasRoom) {
      this.#metrics.add(DROPPED_QUEUE_FULL, count);
      this.#missed.add(receiver);
      return;
    }
    const at = receiver.reserve(size);
    receiver.output.set(this.#buffer!.subarray(this.#start, this.#end), at);
    this.#metrics.add(DELIVERED, count);
    this.#metrics.add(PAYLOAD_BYTES, this.#payloadBytes);
  }

  /** For subscribers of MQTT 5, the publisher itself and shared groups. */
  #pushOneByOne(publisher: number, admittedAt: number): void {
    this.#recording.runs.discard();
    const matches = this.#matches!;
    const buffer = this.#buffer!;
    const message = this.#message;
    for (let at = this.#start; at < this.#end; at = this.#frame.end) {
      scanFrame(buffer, at, this.#end, Number.POSITIVE_INFINITY, this.#frame);
      parsePublish(buffer, this.#frame.headerByte, this.#frame.bodyStart, this.#frame.end, 4, this.#view);
      message.topic = this.#topics.intern(buffer, this.#view.topicStart, this.#view.topicEnd);
      message.publisher = publisher;
      message.payload = buffer;
      message.payloadStart = this.#view.payloadStart;
      message.payloadEnd = this.#view.payloadEnd;
      this.#trace.begin(message, this.#publisher!, message.topic, buffer, this.#view, this.#stage.receivedAt);
      this.#trace.decided(message, this.#publisher!, true);
      message.entry.u32[ENTRY.matched] = matches.members.length + matches.groups.length;
      message.dispatchedAt = admittedAt;
      this.#pusher.pushToAll(message, matches, this.#missed);
      this.#trace.direct(message, SHAPE.direct, admittedAt);
    }
  }
}
