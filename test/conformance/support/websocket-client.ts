import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { openWebSocket } from '../../support/transports.ts';

/** A client that sees the bytes of the server, and whether they came in binary frames. */
export class WebSocketClient implements AsyncDisposable {
  readonly webSocket: WebSocket;
  readonly #chunks: Buffer[] = [];
  #isBinary = true;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('message', (data: Buffer, isBinary) => {
      this.#chunks.push(data);
      this.#isBinary &&= isBinary;
    });
  }

  static async open(port: number): Promise<WebSocketClient> {
    const client = new WebSocketClient(openWebSocket('ws', port));
    await once(client.webSocket, 'open');
    return client;
  }

  /** Takes as many bytes as are expected, in however many frames, all of them binary [MQTT-6.0.0-1]. */
  async expect(expected: Uint8Array): Promise<void> {
    while (Buffer.concat(this.#chunks).length < expected.length) await once(this.webSocket, 'message');
    assert.deepEqual(Buffer.concat(this.#chunks.splice(0)), Buffer.from(expected));
    assert(this.#isBinary);
  }

  /** Takes the next packet, of less than 128 bytes behind its length, whatever it is. */
  async next(): Promise<Buffer> {
    while (true) {
      const received = Buffer.concat(this.#chunks);
      const size = 2 + (received[1] ?? 0);
      if (received.length >= size) {
        this.#chunks.splice(0, this.#chunks.length, received.subarray(size));
        assert(this.#isBinary);
        return received.subarray(0, size);
      }
      await once(this.webSocket, 'message');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { webSocket } = this;
    if (webSocket.readyState === webSocket.CLOSED) return;
    webSocket.terminate();
    await once(webSocket, 'close');
  }
}
