import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadOf, RawClient } from '../support/raw-client.ts';

const PAUSE_MS = 3;

/**
 * A well-behaved client, which publishes to itself at QoS 1 and QoS 2 in turns: each message must be acknowledged and come
 * back, once and in order, and the connection must stay.
 */
export class Witness {
  /** From a message to its acknowledgement and its return. */
  longestRoundTripMs = 0;
  messages = 0;
  readonly #client: RawClient;
  readonly #topic: string;
  readonly #running: Promise<void>;
  #over = false;

  private constructor(client: RawClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
    this.#running = this.#run();
    // Looked at by whoever calls `end` or `failed`.
    this.#running.catch(() => undefined);
  }

  static async begin(port: number, protocolVersion: 4 | 5): Promise<Witness> {
    const name = `witness-${protocolVersion}`;
    const client = await RawClient.connect({ port, protocolVersion, clientId: name });
    await client.subscribe(`${name}/own`);
    return new Witness(client, `${name}/own`);
  }

  /** Rejects when something was lost, wrong or late by far; never settles otherwise. */
  get failed(): Promise<never> {
    return this.#running.then(() => new Promise<never>(() => undefined));
  }

  /** Says goodbye; rejects if something was wrong. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#running;
    await this.#client.disconnect();
  }

  async #run(): Promise<void> {
    for (; !this.#over; this.messages += 1) {
      const startedAt = performance.now();
      const payload = String(this.messages);
      const qos = this.messages % 2 === 0 ? 1 : 2;
      this.#client.sendPublish(this.#topic, payload, { qos });
      await (qos === 1 ? this.#throughQos1(payload) : this.#throughQos2(payload));
      this.longestRoundTripMs = Math.max(this.longestRoundTripMs, performance.now() - startedAt);
      await sleep(PAUSE_MS);
    }
  }

  async #throughQos1(payload: string): Promise<void> {
    const [{ reasonCode }, message] = await Promise.all([this.#client.take('puback'), this.#client.take('publish')]);
    assert.equal(reasonCode, 0);
    assert.equal(payloadOf(message), payload);
    this.#client.sendAck('puback', message.packetId);
  }

  async #throughQos2(payload: string): Promise<void> {
    const { packetId, reasonCode } = await this.#client.take('pubrec');
    assert.equal(reasonCode, 0);
    this.#client.sendAck('pubrel', packetId);
    const message = await this.#client.take('publish');
    assert.equal(payloadOf(message), payload);
    this.#client.sendAck('pubrec', message.packetId);
    await this.#client.take('pubcomp');
    this.#client.sendAck('pubcomp', (await this.#client.take('pubrel')).packetId);
  }
}
