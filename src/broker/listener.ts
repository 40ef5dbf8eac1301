import { createServer, type Server, type Socket } from 'node:net';
import { CodedError } from '../base/errors.ts';

export type ListenErrorCode = 'address_in_use' | 'address_not_available' | 'not_permitted' | 'listen_failed';
export class ListenError extends CodedError<ListenErrorCode> {}

export interface ListenerAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A TCP port that accepts clients. */
export class Listener {
  readonly name: string;
  readonly #server: Server;

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
  }

  /** `onAccept` gets sockets that have not begun to read. */
  static async open(requested: ListenerAddress, onAccept: (socket: Socket) => void): Promise<Listener> {
    const { name, address, port } = requested;
    // Nothing is read until the connection has taken the socket over.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, onAccept);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new ListenError(codeOf(error), `listener ${name}: ${address}:${port}: ${reasonOf(error)}`, error)),
      );
      server.listen({ host: address, port, backlog: 4096 }, resolve);
    });
    server.removeAllListeners('error');
    // Out of file descriptors, for instance: those that wait in the backlog are taken when there is room again.
    server.on('error', () => undefined);
    return new Listener(name, server);
  }

  /** Where it really listens: a configured port 0 has become a real one. */
  get address(): ListenerAddress {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') return { name: this.name, address: '', port: 0 };
    return { name: this.name, address: bound.address, port: bound.port };
  }

  /** Accepts no more; connections stay. */
  stop(): void {
    this.#server.close();
  }
}

function codeOf(error: NodeJS.ErrnoException): ListenErrorCode {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'address_in_use';
    case 'EADDRNOTAVAIL':
      return 'address_not_available';
    case 'EACCES':
      return 'not_permitted';
    default:
      return 'listen_failed';
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another program listens there';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'not permitted (ports below 1024 belong to root)';
    default:
      return error.message;
  }
}
