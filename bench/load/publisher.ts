import type { Client, Receiver } from '../client/client.ts';
import { PAYLOAD_SENT_AT, PAYLOAD_SEQUENCE_AT, type PublishTemplate } from '../client/packets.ts';
import type { Paced } from './pacer.ts';
import type { Stream } from './stream.ts';
import type { Tally } from './tally.ts';
import type { Flushable, TurnEnd } from './turn-end.ts';

/** A topic it publishes to. */
export interface Channel {
  readonly stream: Stream;
  readonly template: PublishTemplate;
}

const MAX_PACKET_ID = 65_535;

export interface PublisherLimits {
  /** Messages under way: not yet with all their subscribers, or, at QoS 1, not yet acknowledged. */
  readonly window: number;
  /** Messages of one write. */
  readonly batch: number;
}

/** Publishes to its topics in turn: whenever the window allows, or, without `turnEnd`, when it is told to. */
export class Publisher implements Receiver, Flushable, Paced {
  private readonly client: Client;
  private readonly channels: readonly Channel[];
  private readonly limits: PublisherLimits;
  private readonly tally: Tally;
  private readonly turnEnd: TurnEnd | undefined;
  private batch: Buffer;
  private batchView: DataView;
  private nextChannel = 0;
  private nextPacketId = 1;
  private underWay = 0;
  private unacknowledged = 0;
  /** By packet identifier: 1 while its PUBACK is due. */
  private readonly due = new Uint8Array(MAX_PACKET_ID + 1);
  private isStopped = false;

  constructor(
    client: Client,
    channels: readonly Channel[],
    limits: PublisherLimits,
    tally: Tally,
    turnEnd: TurnEnd | undefined,
  ) {
    this.client = client;
    this.channels = channels;
    this.limits = limits;
    this.tally = tally;
    this.turnEnd = turnEnd;
    this.batch = this.newBatch();
    this.batchView = new DataView(this.batch.buffer);
    client.receive(this);
  }

  /** Messages that have not reached all their subscribers or were not acknowledged. */
  get missing(): number {
    return Math.max(this.underWay, this.unacknowledged);
  }

  get published(): number {
    return this.channels.reduce((sum, { stream }) => sum + stream.sent, 0);
  }

  stop(): void {
    this.isStopped = true;
  }

  /** So many of its messages are with all their subscribers: as many more may go. */
  completed(messages: number): void {
    this.underWay -= messages;
    this.turnEnd?.add(this);
  }

  /** Sends in one write what the window allows. */
  flush(): void {
    this.publish(this.limits.batch, performance.now());
  }

  /** Sends in one write so many messages, at most a batch, as far as the window allows. */
  publish(messages: number, sentAt: number): void {
    const count = Math.min(messages, this.limits.window - this.missing);
    if (this.isStopped || count <= 0) return;
    let end = 0;
    for (let index = 0; index < count; index++) end = this.append(end, sentAt);
    if (this.client.write(this.batch.subarray(0, end))) return;
    // The socket still holds these bytes.
    this.batch = this.newBatch();
    this.batchView = new DataView(this.batch.buffer);
  }

  onPuback(packetId: number): void {
    if (this.due[packetId] === 0) this.tally.stray++;
    else this.unacknowledged--;
    this.due[packetId] = 0;
  }

  onPublish(): void {
    this.tally.stray++;
  }

  onReadEnd(): void {
    this.turnEnd?.add(this);
  }

  onFailure(error: Error): void {
    this.tally.fail(error);
  }

  private append(at: number, sentAt: number): number {
    const { stream, template } = this.channels[this.nextChannel]!;
    this.nextChannel = (this.nextChannel + 1) % this.channels.length;
    this.batch.set(template.bytes, at);
    const payload = at + template.payloadAt;
    this.batchView.setUint32(payload + PAYLOAD_SEQUENCE_AT, stream.take(), true);
    this.batchView.setFloat64(payload + PAYLOAD_SENT_AT, sentAt, true);
    this.underWay++;
    if (template.packetIdAt !== undefined) this.batchView.setUint16(at + template.packetIdAt, this.takePacketId());
    return at + template.bytes.length;
  }

  private takePacketId(): number {
    const packetId = this.nextPacketId;
    this.nextPacketId = packetId === MAX_PACKET_ID ? 1 : packetId + 1;
    this.due[packetId] = 1;
    this.unacknowledged++;
    return packetId;
  }

  private newBatch(): Buffer {
    const largest = Math.max(...this.channels.map(({ template }) => template.bytes.length));
    return Buffer.allocUnsafeSlow(largest * this.limits.batch);
  }
}
