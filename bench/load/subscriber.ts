import type { Client, Receiver } from '../client/client.ts';
import { PAYLOAD_SENT_AT, PAYLOAD_SEQUENCE_AT } from '../client/packets.ts';
import type { Publisher } from './publisher.ts';
import type { Stream } from './stream.ts';
import type { Tally } from './tally.ts';
import type { Flushable, TurnEnd } from './turn-end.ts';

/** Where a stream's messages come from: who to tell that they arrived. */
export interface Source {
  readonly stream: Stream;
  readonly publisher: Publisher;
}

const ACK_BYTES = 4;
const INITIAL_ACKS = 256;

/** Checks number and order of what arrives, acknowledges it, and lets the publishers go on. */
export class Subscriber implements Receiver, Flushable {
  private readonly client: Client;
  private readonly sources: readonly Source[];
  private readonly qos: number;
  private readonly tally: Tally;
  private readonly turnEnd: TurnEnd;
  /** By stream: the number due next. */
  private readonly due: Uint32Array;
  private acks = Buffer.allocUnsafeSlow(INITIAL_ACKS * ACK_BYTES);
  private ackEnd = 0;
  private readAt = 0;

  constructor(client: Client, sources: readonly Source[], qos: number, tally: Tally, turnEnd: TurnEnd) {
    this.client = client;
    this.sources = sources;
    this.qos = qos;
    this.tally = tally;
    this.turnEnd = turnEnd;
    this.due = new Uint32Array(sources.length);
    client.receive(this);
  }

  onPublish(view: DataView, payloadStart: number, qos: number, packetId: number): void {
    const index = view.getUint32(payloadStart, true);
    const source = this.sources[index];
    if (source === undefined || qos !== this.qos) {
      this.tally.stray++;
      return;
    }
    if (qos > 0) this.acknowledge(packetId);
    const sequence = view.getUint32(payloadStart + PAYLOAD_SEQUENCE_AT, true);
    const due = this.due[index]!;
    if (sequence >= source.stream.sent) this.tally.stray++;
    else if (sequence < due) this.tally.repeated++;
    else this.accept(source, index, due, sequence, view.getFloat64(payloadStart + PAYLOAD_SENT_AT, true));
  }

  /** Sends the acknowledgements that are due. */
  flush(): void {
    const wasTaken = this.client.write(this.acks.subarray(0, this.ackEnd));
    if (!wasTaken) this.acks = Buffer.allocUnsafeSlow(this.acks.length);
    this.ackEnd = 0;
  }

  onPuback(): void {
    this.tally.stray++;
  }

  onReadEnd(): void {
    this.readAt = 0;
    if (this.ackEnd > 0) this.turnEnd.add(this);
  }

  onFailure(error: Error): void {
    this.tally.fail(error);
  }

  private accept({ stream, publisher }: Source, index: number, due: number, sequence: number, sentAt: number): void {
    this.tally.lost += sequence - due;
    this.due[index] = sequence + 1;
    let completed = 0;
    for (let settled = due; settled <= sequence; settled++) completed += stream.settle(settled);
    if (completed > 0) publisher.completed(completed);
    // One clock read for all that one read of the socket brought.
    if (this.readAt === 0) this.readAt = performance.now();
    this.tally.delivered++;
    this.tally.latency.record(this.readAt - sentAt);
  }

  private acknowledge(packetId: number): void {
    if (this.ackEnd === this.acks.length) this.acks = Buffer.concat([this.acks], this.acks.length * 2);
    this.acks.writeUInt32BE(0x40020000 | packetId, this.ackEnd);
    this.ackEnd += ACK_BYTES;
  }
}
