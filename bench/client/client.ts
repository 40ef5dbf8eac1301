import { connect as connectSocket, type Socket } from 'node:net';
import { type PacketHandler, readPackets } from './packet-reader.ts';
import { encodeConnect, encodeDisconnect, encodeSubscribe, PacketType } from './packets.ts';

export interface ClientOptions {
  readonly port: number;
  readonly clientId: string;
  /** The source address; several of them keep many short connections from running out of ports. */
  readonly localAddress?: string;
}

/** What the owner of a client does with what arrives. */
export interface Receiver {
  onPublish(view: DataView, payloadStart: number, qos: number, packetId: number): void;
  onPuback(packetId: number): void;
  /** Everything that one read brought has been handed over. */
  onReadEnd(): void;
  /** The connection ended, or brought nonsense, without our asking. */
  onFailure(error: Error): void;
}

const READ_BYTES = 256 * 1024;
/** Room before the read area for the part of a packet that an earlier read left over. */
const HEADROOM_BYTES = 64 * 1024;
const ANSWER_LIMIT_MS = 10_000;
const KEEP_ALIVE_SECONDS = 600;

// One buffer for all clients: what arrives is dealt with before the next read, whosever it is.
const slab = Buffer.allocUnsafeSlow(HEADROOM_BYTES + READ_BYTES);
const view = new DataView(slab.buffer);
const readArea = slab.subarray(HEADROOM_BYTES);

/** An MQTT 3.1.1 client that does no more than the scenarios need, over a raw socket. */
export class Client implements PacketHandler {
  private readonly socket: Socket;
  private leftover: Buffer | undefined;
  private awaited: { type: number; resolve: (lastByte: number) => void; reject: (error: Error) => void } | undefined;
  private receiver: Receiver | undefined;
  private isClosing = false;

  private constructor({ port, localAddress }: ClientOptions) {
    this.socket = connectSocket({
      port,
      host: '127.0.0.1',
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
      onread: { buffer: readArea, callback: (bytes) => this.onRead(bytes) },
    });
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the broker closed the connection')));
  }

  static async connect(options: ClientOptions): Promise<Client> {
    const client = new Client(options);
    const returnCode = await client.ask(PacketType.connack, encodeConnect(options.clientId, KEEP_ALIVE_SECONDS));
    if (returnCode !== 0) throw new Error(`the broker refused a connection with return code ${returnCode}`);
    return client;
  }

  async subscribe(filter: string, qos: number): Promise<void> {
    const granted = await this.ask(PacketType.suback, encodeSubscribe(1, filter, qos));
    if (granted !== qos) throw new Error(`the broker granted ${granted} to a subscription that asked for QoS ${qos}`);
  }

  receive(receiver: Receiver): void {
    this.receiver = receiver;
  }

  /** Returns true when the kernel took everything, so that the caller may reuse the bytes. */
  write(bytes: Uint8Array): boolean {
    this.socket.write(bytes);
    return this.socket.writableLength === 0;
  }

  /** Says goodbye and settles when the connection is gone. */
  async close(): Promise<void> {
    this.isClosing = true;
    if (this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.end(encodeDisconnect());
      // Whoever does not answer in kind is left.
      this.socket.setTimeout(1000, () => this.socket.destroy());
    });
  }

  onPublish(bytes: DataView, payloadStart: number, qos: number, packetId: number): void {
    this.receiver?.onPublish(bytes, payloadStart, qos, packetId);
  }

  onPuback(packetId: number): void {
    this.receiver?.onPuback(packetId);
  }

  onAnswer(type: number, lastByte: number): void {
    if (this.awaited?.type !== type) throw new Error(`the broker sent an answer (${type}) to no question`);
    this.awaited.resolve(lastByte);
  }

  private onRead(bytes: number): boolean {
    const carried = this.leftover?.length ?? 0;
    const start = HEADROOM_BYTES - carried;
    const end = HEADROOM_BYTES + bytes;
    if (this.leftover !== undefined) slab.set(this.leftover, start);
    try {
      const consumed = readPackets(view, start, end, this);
      if (end - consumed > HEADROOM_BYTES) throw new Error('the broker sent a packet larger than any published');
      this.leftover = consumed < end ? Buffer.from(slab.subarray(consumed, end)) : undefined;
    } catch (error) {
      this.fail(error as Error);
      this.socket.destroy();
    }
    this.receiver?.onReadEnd();
    return true;
  }

  private ask(type: number, question: Buffer): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      const limit = setTimeout(() => this.fail(new Error('the broker did not answer')), ANSWER_LIMIT_MS);
      const settle = (): void => {
        clearTimeout(limit);
        this.awaited = undefined;
      };
      this.awaited = {
        type,
        resolve: (lastByte) => {
          settle();
          resolve(lastByte);
        },
        reject: (error) => {
          settle();
          this.socket.destroy();
          reject(error);
        },
      };
      this.socket.write(question);
    });
  }

  private fail(error: Error): void {
    if (this.isClosing) return;
    this.awaited?.reject(error);
    this.receiver?.onFailure(error);
  }
}
