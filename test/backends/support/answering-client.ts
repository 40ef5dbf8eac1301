import type { Packet } from '../../../src/mqtt/packets.ts';
import type { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { until } from '../../chaos/support/metric.ts';
import { type ConnectOptions, RawClient } from '../../support/raw-client.ts';

export interface Manner {
  /** What it says to PUBLISH; success where left out. */
  readonly reasonCode?: ReasonCode;
  /** How long it takes before it says so. */
  readonly delayMs?: number;
}

/** A subscriber that answers whatever it gets, in its own manner, without waiting for anything itself. */
export class AnsweringClient implements AsyncDisposable {
  /** Messages of which it has seen the end. */
  completed = 0;
  readonly #client: RawClient;
  readonly #manner: Manner;
  readonly #reading: Promise<void>;

  private constructor(client: RawClient, manner: Manner) {
    this.#client = client;
    this.#manner = manner;
    this.#reading = this.#read();
  }

  static async subscribed(options: ConnectOptions, filter: string, manner: Manner = {}): Promise<AnsweringClient> {
    const client = await RawClient.connect(options);
    await client.subscribe(filter);
    return new AnsweringClient(client, manner);
  }

  /** Settles when it has seen the end of so many. */
  completes(count: number): Promise<void> {
    return until(`the end of ${count} messages`, () => this.completed >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.drop();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for (;;) {
      let packet: Packet;
      try {
        packet = await this.#client.next();
      } catch {
        return; // The connection has ended.
      }
      this.#answer(packet);
    }
  }

  #answer(packet: Packet): void {
    if (packet.type === 'pubrel') {
      this.#client.sendAck('pubcomp', packet.packetId);
      this.completed += 1;
    }
    if (packet.type !== 'publish') return;
    const { qos, packetId } = packet;
    const { reasonCode, delayMs = 0 } = this.#manner;
    const answer = () => {
      if (qos > 0) this.#client.sendAck(qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode);
      if (qos < 2 || reasonCode !== undefined) this.completed += 1;
    };
    if (delayMs === 0) answer();
    else setTimeout(answer, delayMs);
  }
}
