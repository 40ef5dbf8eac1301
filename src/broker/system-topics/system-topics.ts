import type { Clock } from '../../base/clock.ts';
import { Message } from '../delivery/message.ts';
import type { MessageFlow } from '../delivery/message-flow.ts';
import type { RetainedMessages } from '../delivery/retained-messages.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Session } from '../session/session.ts';
import type { SystemStatistics } from './system-statistics.ts';

const PREFIX = '$SYS/broker/';

/**
 * Publishes the broker's figures at `$SYS/broker/…`: QoS 0, to those who have subscribed, and kept in memory for those who
 * will. They belong to this run of the broker: nothing of them is stored, traced, or counted as received.
 */
export class SystemTopics {
  readonly #statistics: SystemStatistics;
  readonly #flow: MessageFlow;
  readonly #retained: RetainedMessages;
  readonly #topics: TopicTable<Session, undefined>;
  readonly #clock: Clock;
  readonly #published = new Map<string, string>();
  readonly #message = new Message();

  constructor(parts: {
    statistics: SystemStatistics;
    flow: MessageFlow;
    retained: RetainedMessages;
    topics: TopicTable<Session, undefined>;
    clock: Clock;
  }) {
    this.#statistics = parts.statistics;
    this.#flow = parts.flow;
    this.#retained = parts.retained;
    this.#topics = parts.topics;
    this.#clock = parts.clock;
  }

  /** Publishes what is not what it was. */
  update(): void {
    const now = this.#clock.now();
    for (const [name, text] of this.#statistics.read(now)) {
      if (this.#published.get(name) === text) continue;
      this.#published.set(name, text);
      this.#publish(Buffer.from(PREFIX + name), Buffer.from(text), now);
    }
  }

  #publish(topic: Buffer, payload: Buffer, now: number): void {
    const message = this.#message;
    message.topic = this.#topics.intern(topic, 0, topic.length);
    message.retain = true;
    message.payload = payload;
    message.payloadEnd = payload.length;
    message.receivedAt = now;
    this.#retained.keepInMemory(message);
    this.#flow.deliver(message);
  }
}
