import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client/client.ts';
import { publishTemplate } from '../client/packets.ts';
import type { OfferedRate } from './offered-rate.ts';
import { batchOf, Pacer } from './pacer.ts';
import { type Channel, Publisher } from './publisher.ts';
import { Stream } from './stream.ts';
import { type Source, Subscriber } from './subscriber.ts';
import { Tally } from './tally.ts';
import type { Topology } from './topology.ts';
import { TurnEnd } from './turn-end.ts';

export interface LoadOptions {
  readonly port: number;
  readonly topology: Topology;
  readonly qos: 0 | 1;
  /** Messages that one publisher may have under way. */
  readonly window: number;
  readonly payloadBytes: number;
  /** Left out, publishers send whenever the window allows: a closed loop. */
  readonly offered?: OfferedRate;
}

const DRAIN_LIMIT_MS = 5_000;
const DRAIN_POLL_MS = 5;

/** Publishers, as fast as their subscribers receive or at a rate of their own, and those subscribers; all in this process. */
export class MessageLoad {
  readonly tally = new Tally();
  private readonly turnEnd = new TurnEnd();
  private readonly options: LoadOptions;
  private readonly clients: Client[] = [];
  private readonly publishers: Publisher[] = [];
  private pacer: Pacer | undefined;

  private constructor(options: LoadOptions) {
    this.options = options;
  }

  /** Connects and subscribes everyone, then starts to publish. */
  static async start(options: LoadOptions): Promise<MessageLoad> {
    const load = new MessageLoad(options);
    try {
      const sources = await load.connectPublishers();
      await load.connectSubscribers(sources);
    } catch (error) {
      await load.close();
      throw error;
    }
    load.begin();
    return load;
  }

  /** Messages published since the start. */
  get published(): number {
    return this.publishers.reduce((sum, { published }) => sum + published, 0);
  }

  /** Stops publishing and waits for what is under way; what has not come by then is lost. */
  async drain(): Promise<void> {
    this.pacer?.stop();
    for (const publisher of this.publishers) publisher.stop();
    const deadline = performance.now() + DRAIN_LIMIT_MS;
    while (performance.now() < deadline && this.missing > 0) {
      this.tally.assertAlive();
      await sleep(DRAIN_POLL_MS);
    }
    this.tally.lost += this.missing;
  }

  async close(): Promise<void> {
    this.pacer?.stop();
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private get missing(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.missing, 0);
  }

  private begin(): void {
    const { offered } = this.options;
    if (offered === undefined) {
      for (const publisher of this.publishers) publisher.flush();
    } else {
      this.pacer = new Pacer(offered, this.publishers, () => performance.now());
      this.pacer.start();
    }
  }

  private async connectPublishers(): Promise<Source[]> {
    const { topology, qos, window, payloadBytes, offered } = this.options;
    const batch = offered === undefined ? window : batchOf(offered, topology.publishers.length);
    const sources: Source[] = [];
    for (const [index, topics] of topology.publishers.entries()) {
      const channels = topics.map((topic, offset): Channel => {
        const template = publishTemplate(topic, qos, payloadBytes, sources.length + offset);
        return { stream: new Stream(topology.subscribersPerTopic, window), template };
      });
      const publisher = new Publisher(
        await this.connect(`bench-publisher-${index}`),
        channels,
        { window, batch },
        this.tally,
        offered === undefined ? this.turnEnd : undefined,
      );
      this.publishers.push(publisher);
      sources.push(...channels.map(({ stream }) => ({ stream, publisher })));
    }
    return sources;
  }

  private async connectSubscribers(sources: readonly Source[]): Promise<void> {
    const { topology, qos } = this.options;
    for (const [index, filter] of topology.subscribers.entries()) {
      const client = await this.connect(`bench-subscriber-${index}`);
      new Subscriber(client, sources, qos, this.tally, this.turnEnd);
      await client.subscribe(filter, qos);
    }
  }

  private async connect(clientId: string): Promise<Client> {
    const client = await Client.connect({ port: this.options.port, clientId });
    this.clients.push(client);
    return client;
  }
}
