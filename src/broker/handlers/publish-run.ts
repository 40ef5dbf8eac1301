import { FrameScan, scanFrame } from '../../mqtt/frame.ts';
import { parsePublish } from '../../mqtt/parse-publish.ts';
import { PublishView } from '../../mqtt/publish-view.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { BrokerTopic } from '../delivery/message.ts';
import { Message } from '../delivery/message.ts';
import { type Pusher, takesVerbatim } from '../delivery/pusher.ts';
import type { MatchSet } from '../router/match-set.ts';
import type { Router } from '../router/router.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Receiver } from '../session/receiver.ts';
import type { Session } from '../session/session.ts';
import type { ServedClient } from './served-client.ts';

const DELIVERED = counterId(METRICS.messagesDeliveredTotal, '0');
const PAYLOAD_BYTES = counterId(METRICS.payloadBytesSentTotal);
const DROPPED_QUEUE_FULL = counterId(METRICS.messagesDroppedTotal, 'queue_full');

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
  readonly #frame = new FrameScan();
  readonly #view = new PublishView();
  readonly #message = new Message();
  #buffer: Buffer | undefined;
  #publisher: ServedClient | undefined;
  #matches: MatchSet<Session> | undefined;
  #topic: BrokerTopic | undefined;
  #start = 0;
  #end = 0;
  #count = 0;
  #payloadBytes = 0;

  constructor(router: Router<Session>, topics: TopicTable<Session, undefined>, pusher: Pusher, metrics: Metrics) {
    this.#router = router;
    this.#topics = topics;
    this.#pusher = pusher;
    this.#metrics = metrics;
  }

  /** Adds the packet at `[start, end)`; `flush` must follow before the buffer changes. */
  add(
    connection: ServedClient,
    buffer: Buffer,
    start: number,
    end: number,
    topic: BrokerTopic,
    payloadBytes: number,
  ): void {
    if (this.#count > 0) {
      if (
        start === this.#end &&
        (topic === this.#topic || this.#router.match(topic) === this.#matches) &&
        buffer === this.#buffer
      ) {
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
    this.#start = start;
    this.#end = end;
    this.#count = 1;
    this.#payloadBytes = payloadBytes;
  }

  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    const { members, groups } = this.#matches!;
    const publisher = this.#publisher!.session!.number;
    let others = groups.length > 0;
    for (let index = 0; index < members.length; index += 1) {
      const member = members[index]!;
      const receiver = member.session.receiver;
      if (receiver === undefined) continue;
      if (takesVerbatim(member, publisher)) this.#copyTo(receiver, count);
      else others = true;
    }
    if (others) this.#pushOneByOne(publisher);
  }

  #copyTo(receiver: Receiver, count: number): void {
    const size = this.#end - this.#start;
    if (!receiver.hasRoomFor(size)) {
      this.#metrics.add(DROPPED_QUEUE_FULL, count);
      return;
    }
    const at = receiver.reserve(size);
    receiver.output.set(this.#buffer!.subarray(this.#start, this.#end), at);
    this.#metrics.add(DELIVERED, count);
    this.#metrics.add(PAYLOAD_BYTES, this.#payloadBytes);
  }

  /** For subscribers of MQTT 5, the publisher itself and shared groups. */
  #pushOneByOne(publisher: number): void {
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
      this.#pusher.pushToAll(message, matches, true);
    }
  }
}
