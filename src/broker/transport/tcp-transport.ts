import { Socket } from 'node:net';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import type { ByteSink } from '../connection/outbox.ts';
import type { Transport, TransportReader } from './transport.ts';

/** MQTT as it is, on a TCP socket. */
export class TcpTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly certificateIdentity = undefined;
  readonly #buffer: Buffer;
  #socket: Socket;

  /** `buffer` may be shared by all sockets: what is read into it has been handed up before the next read. */
  constructor(accepted: Socket, buffer: Buffer) {
    this.remoteAddress = accepted.remoteAddress ?? '';
    this.remotePort = accepted.remotePort ?? 0;
    this.#buffer = buffer;
    this.#socket = accepted;
  }

  start(reader: TransportReader): ByteSink {
    const buffer = this.#buffer;
    const socket = takeOver(this.#socket, buffer, (count) => reader.read(buffer, count));
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => reader.ended(CLOSE_REASONS.socketError));
    socket.on('end', () => reader.ended(CLOSE_REASONS.clientClosed));
    socket.on('close', () => reader.ended(CLOSE_REASONS.clientClosed));
    socket.resume();
    return socket;
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    // A client that does not read must not keep the socket open.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/**
 * The accepted socket again, reading into a buffer of ours: net.Server offers no `onread` for the sockets it accepts,
 * and without it every read allocates.
 */
function takeOver(accepted: Socket, buffer: Buffer, onRead: (count: number) => boolean): Socket {
  const owner = accepted as unknown as { _handle: object | null };
  const handle = owner._handle;
  owner._handle = null;
  return new Socket({ handle, onread: { buffer, callback: onRead } } as unknown as ConstructorParameters<
    typeof Socket
  >[0]);
}
