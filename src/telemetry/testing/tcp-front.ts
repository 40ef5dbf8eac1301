import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface FrontState {
  isCutting: boolean;
  receivedBytes: number;
}

/** A TCP port in front of a server, at which connections can be cut as a broken network cuts them. */
export class TcpFront {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #state: FrontState;

  private constructor(server: Server, sockets: Set<Socket>, state: FrontState) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
    this.#state = state;
  }

  static async start(port: number, innerPort: number): Promise<TcpFront> {
    const sockets = new Set<Socket>();
    const state: FrontState = { isCutting: false, receivedBytes: 0 };
    const server = createServer((outer) => {
      if (state.isCutting) {
        outer.resetAndDestroy();
        return;
      }
      outer.on('data', ({ length }) => {
        state.receivedBytes += length;
      });
      join(outer, connect(innerPort, '127.0.0.1'), sockets);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new TcpFront(server, sockets, state);
  }

  /** Bytes that clients have sent. */
  get receivedBytes(): number {
    return this.#state.receivedBytes;
  }

  /** Resets every connection there is and every one that comes, until told otherwise. */
  cut(isCutting: boolean): void {
    this.#state.isCutting = isCutting;
    if (isCutting) for (const socket of this.#sockets) reset(socket);
  }

  async close(): Promise<void> {
    this.cut(true);
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A socket whose end is on its way cannot be reset any more (uv_tcp_close_reset): it would never be closed. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function join(outer: Socket, inner: Socket, sockets: Set<Socket>): void {
  sockets.add(outer);
  outer.pipe(inner).pipe(outer);
  // Cut connections end in errors on both sides: that is what this front is for.
  outer.on('error', () => inner.destroy());
  inner.on('error', () => outer.destroy());
  outer.on('close', () => {
    sockets.delete(outer);
    inner.destroy();
  });
  inner.on('close', () => outer.destroy());
}
