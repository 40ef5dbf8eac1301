import { createServer, type Server } from 'node:net';
import { CodedError } from '../base/errors.ts';
import type { ListenerConfig } from '../config/schema.ts';
import type { TlsMaterial } from './transport/tls-material.ts';
import type { Transport } from './transport/transport.ts';
import { type TransportEngine, tcpEngine } from './transport/transport-engine.ts';

export type ListenErrorCode = 'address_in_use' | 'address_not_available' | 'not_permitted' | 'listen_failed';
export class ListenError extends CodedError<ListenErrorCode> {}

export interface ListenerAddress {
  readonly name: string;
  readonly transport: ListenerConfig['transport'];
  readonly address: string;
  readonly port: number;
}

/** A TCP port that accepts clients. */
export class Listener {
  readonly name: string;
  readonly #transport: ListenerConfig['transport'];
  readonly #engine: TransportEngine;
  readonly #server: Server;

  private constructor({ name, transport }: ListenerConfig, engine: TransportEngine, server: Server) {
    this.name = name;
    this.#transport = transport;
    this.#engine = engine;
    this.#server = server;
  }

  /** `onAccept` gets transports that have not begun to read. */
  static async open(
    listener: ListenerConfig,
    onAccept: (transport: Transport) => void,
    engine: TransportEngine = tcpEngine(),
  ): Promise<Listener> {
    const { name, address, port } = listener;
    // Nothing is read until the connection has taken the socket over.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => onAccept(engine.accept(socket)));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new ListenError(codeOf(error), `listener ${name}: ${address}:${port}: ${reasonOf(error)}`, error)),
      );
      server.listen({ host: address, port, backlog: 4096 }, resolve);
    });
    server.removeAllListeners('error');
    // Out of file descriptors, for instance: those that wait in the backlog are taken when there is room again.
    server.on('error', () => undefined);
    return new Listener(listener, engine, server);
  }

  /** Where it really listens: a configured port 0 has become a real one. */
  get address(): ListenerAddress {
    const bound = this.#server.address();
    const of = { name: this.name, transport: this.#transport };
    if (bound === null || typeof bound === 'string') return { ...of, address: '', port: 0 };
    return { ...of, address: bound.address, port: bound.port };
  }

  /** Certificates for connections to come. */
  replaceCertificates(material: TlsMaterial): void {
    this.#engine.replace(material);
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
