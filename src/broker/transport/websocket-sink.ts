import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ByteSink } from '../connection/outbox.ts';

/** Sends bytes as binary frames [MQTT-6.0.0-1]; where a packet begins does not matter [MQTT-6.0.0-2]. */
export class WebSocketSink implements ByteSink {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /** Without compression a frame is in the socket as soon as it is sent: its header, and the bytes themselves. */
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    // No bytes are no frame: it is asked for when all before it have gone.
    if (bytes.length === 0) return this.#socket.write(bytes, done);
    this.#webSocket.send(bytes, { binary: true }, done);
    return this.#socket.writableLength === 0;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }
}
