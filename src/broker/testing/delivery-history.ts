import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Packet, PublishPacket } from '../../mqtt/packets.ts';
import { topicMatches } from '../../mqtt/topic.ts';
import type { BrokerUnderTest } from './broker-under-test.ts';
import type { TestClient } from './test-client.ts';

interface Copy {
  readonly text: string;
  readonly qos: number;
  /** Of the subscription whose copy it is, where each has its own; empty otherwise. */
  readonly identifiers: readonly number[];
}

interface Interest {
  readonly filter: string;
  readonly qos: 1 | 2;
}

type BrokerStep = { readonly type: 'settle' } | { readonly type: 'checkpoint' } | { readonly type: 'kill' };

/** What happens to a broker and its clients; `who` is taken modulo the number of clients. */
export type Step =
  | { readonly type: 'publish'; readonly topic: string; readonly qos: 1 | 2 }
  | { readonly type: 'answer'; readonly who: number; readonly count: number }
  | { readonly type: 'connect'; readonly who: number; readonly receiveMaximum: number }
  | { readonly type: 'disconnect' | 'saturate' | 'drain'; readonly who: number }
  | BrokerStep;

const who = fc.nat(5);
const qos = fc.constantFrom<1 | 2>(1, 2);

export function anyHistory(topics: readonly string[], ...more: BrokerStep['type'][]): fc.Arbitrary<Step[]> {
  const publish = fc.record({ type: fc.constant('publish' as const), topic: fc.constantFrom(...topics), qos });
  const answer = fc.record({ type: fc.constant('answer' as const), who, count: fc.integer({ min: 1, max: 6 }) });
  const connect = fc.record({
    type: fc.constant('connect' as const),
    who,
    receiveMaximum: fc.integer({ min: 1, max: 4 }),
  });
  const other = fc.constantFrom<'disconnect' | 'saturate' | 'drain'>('disconnect', 'saturate', 'drain');
  const rest = fc.constantFrom<BrokerStep['type']>('settle', ...more).map((type): Step => ({ type }));
  const step = fc.oneof(
    { weight: 6, arbitrary: publish },
    { weight: 3, arbitrary: answer },
    { weight: 2, arbitrary: connect },
    { weight: 2, arbitrary: fc.record({ type: other, who }) },
    { weight: 2, arbitrary: rest },
  );
  return fc.array(step, { maxLength: 60, size: 'max' });
}

/** A persistent session as its client sees it. */
class Subscriber {
  readonly interests: readonly Interest[];
  readonly clientId: string;
  client: TestClient | undefined;
  receiveMaximum = 0;
  /** First deliveries, in the order in which they came. */
  readonly received: Copy[] = [];
  /** Messages that this client has not answered to the end, by packet identifier. */
  readonly unfinished = new Map<number, Copy>();
  unanswered: Packet[] = [];
  /** QoS 1 messages that were not answered when a connection ended, by packet identifier. */
  readonly #given = new Map<number, Copy>();

  constructor(clientId: string, interests: readonly Interest[]) {
    this.clientId = clientId;
    this.interests = interests;
  }

  /** Reads what came, and checks what may be said of every packet by itself. */
  read(): void {
    for (const packet of this.client?.take() ?? []) {
      if (packet.type === 'publish' && packet.qos > 0) {
        const copy = copyOf(packet);
        const known = this.unfinished.get(packet.packetId);
        // [MQTT-4.4.0-1]: sent again under the identifier it had. A first attempt may also have died on its way out.
        if (known !== undefined) assert.deepEqual([copy, packet.duplicate], [known, true]);
        else if (!packet.duplicate || !this.#had(packet.packetId, copy)) {
          this.unfinished.set(packet.packetId, copy);
          this.received.push(copy);
        }
      }
      this.unanswered.push(packet);
      const sent = this.unanswered.filter(({ type }) => type === 'publish').length;
      assert.ok(sent <= this.receiveMaximum, '[MQTT-3.3.4-9]: no more than the client takes at once');
    }
  }

  /**
   * After a kill a QoS 1 message may come again under another identifier. One that came by a shared group may be another
   * member's now; if it comes again after all, then under the identifier it had.
   */
  forgetQos1(): void {
    for (const [packetId, copy] of this.unfinished)
      if (copy.qos === 1) {
        this.unfinished.delete(packetId);
        this.#given.set(packetId, copy);
      }
  }

  gone(): void {
    this.client = undefined;
    this.unanswered = [];
    if (this.interests.some(({ filter }) => filter.startsWith('$share/'))) this.forgetQos1();
  }

  #had(packetId: number, copy: Copy): boolean {
    const isRepeat = this.#given.get(packetId)?.text === copy.text;
    if (isRepeat) this.unfinished.set(packetId, copy);
    return isRepeat;
  }
}

function copyOf({ payload, qos, properties }: PublishPacket): Copy {
  return { text: Buffer.from(payload).toString(), qos, identifiers: properties.subscriptionIdentifiers ?? [] };
}

/**
 * Plays a history against a broker of real parts and keeps book of what every session must get: each message that matches,
 * once (or once for each subscription that does, where the broker is told to).
 */
export class DeliveryHistory {
  readonly broker: BrokerUnderTest;
  readonly subscribers: readonly Subscriber[];
  readonly #published: { readonly topic: string; readonly text: string; readonly qos: number }[] = [];

  private constructor(broker: BrokerUnderTest, subscribers: readonly Subscriber[]) {
    this.broker = broker;
    this.subscribers = subscribers;
  }

  static async begin(broker: BrokerUnderTest, interests: readonly (readonly Interest[])[]): Promise<DeliveryHistory> {
    const subscribers = interests.map((interest, index) => new Subscriber(`client-${index}`, interest));
    const history = new DeliveryHistory(broker, subscribers);
    for (const subscriber of subscribers) {
      await history.#connect(subscriber, 4);
      for (const [index, { filter, qos }] of subscriber.interests.entries())
        await broker.subscribe(subscriber.client!, filter, { qos }, history.#isEach ? index + 1 : 0);
    }
    return history;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step);
  }

  /** Everybody comes back and takes all there is. */
  async end(): Promise<void> {
    for (const subscriber of this.subscribers) {
      if (subscriber.client === undefined) await this.#connect(subscriber, 4);
      this.broker.drain(subscriber.client!);
    }
    for (let answered = -1; answered !== 0; ) {
      await this.broker.settle();
      answered = 0;
      for (const subscriber of this.subscribers) answered += this.#answer(subscriber, Number.POSITIVE_INFINITY);
    }
    for (const { unfinished } of this.subscribers) assert.equal(unfinished.size, 0);
  }

  /** What the subscriber must have got, in order, of those messages whose topic is below `root`. */
  expected({ interests }: Subscriber, root: string): Copy[] {
    return this.#published
      .filter(({ topic }) => topic.startsWith(root))
      .flatMap(({ topic, text, qos }) => {
        const matching = interests.flatMap(({ filter, qos: granted }, index) =>
          topicMatches(filter, topic) ? [{ text, qos: Math.min(qos, granted), identifiers: [index + 1] }] : [],
        );
        if (matching.length === 0 || this.#isEach) return matching;
        return [{ text, qos: Math.max(...matching.map((copy) => copy.qos)), identifiers: [] }];
      });
  }

  get #isEach(): boolean {
    return this.broker.config.mqtt.overlappingSubscriptions === 'each';
  }

  /** The texts of all messages that were published. */
  get texts(): string[] {
    return this.#published.map(({ text }) => text);
  }

  async #step(step: Step): Promise<void> {
    const { broker } = this;
    if (step.type === 'publish') {
      const text = `${step.topic} ${this.#published.length}`;
      this.#published.push({ topic: step.topic, text, qos: step.qos });
      broker.publish(step.topic, text, { qos: step.qos });
    } else if (step.type === 'settle') await this.#settle();
    else if (step.type === 'checkpoint') await broker.assembly.checkpoint.take();
    else if (step.type === 'kill') await this.#kill();
    else await this.#clientStep(step, this.subscribers[step.who % this.subscribers.length]!);
  }

  async #clientStep(step: Extract<Step, { readonly who: number }>, subscriber: Subscriber) {
    const { client } = subscriber;
    if (step.type === 'connect') await this.#connect(subscriber, step.receiveMaximum);
    else if (client === undefined) return;
    else if (step.type === 'answer') this.#answer(subscriber, step.count);
    else if (step.type === 'saturate') client.saturated = true;
    else if (step.type === 'drain') this.broker.drain(client);
    else if (step.type === 'disconnect') {
      subscriber.read();
      client.close({ label: 'client_closed', reasonCode: undefined });
      subscriber.gone();
    }
  }

  async #settle(): Promise<void> {
    await this.broker.settle();
    for (const subscriber of this.subscribers) subscriber.read();
  }

  /** What was published is acknowledged, and must survive; what the session log was still to say is lost. */
  async #kill(): Promise<void> {
    for (const ingest of this.broker.assembly.ingests) await ingest.idle();
    for (const subscriber of this.subscribers) {
      subscriber.read();
      subscriber.gone();
      subscriber.forgetQos1();
    }
    await this.broker.crash();
  }

  async #connect(subscriber: Subscriber, receiveMaximum: number): Promise<void> {
    const client = await this.broker.connect(subscriber.clientId, { expirySeconds: 1000, receiveMaximum });
    // What the connection before got until it was taken over.
    subscriber.read();
    subscriber.gone();
    subscriber.receiveMaximum = receiveMaximum;
    subscriber.client = client;
  }

  /** Answers up to `count` packets; returns how many. */
  #answer(subscriber: Subscriber, count: number): number {
    subscriber.read();
    const answered = subscriber.unanswered.splice(0, count);
    for (const packet of answered) {
      const isLast = packet.type === 'pubrel' || (packet.type === 'publish' && packet.qos === 1);
      if (isLast) subscriber.unfinished.delete(packet.packetId);
      this.broker.answer(subscriber.client!, packet);
    }
    return answered.length;
  }
}
