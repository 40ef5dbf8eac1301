import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { CloseReason } from '../../src/broker/connection/close-reason.ts';
import type { ByteSink } from '../../src/broker/connection/outbox.ts';
import type { HandshakeFailureReason } from '../../src/broker/transport/handshake.ts';
import type { TlsMaterial } from '../../src/broker/transport/tls-material.ts';
import type { Transport } from '../../src/broker/transport/transport.ts';
import { createTransportEngine, type TransportEngine } from '../../src/broker/transport/transport-engine.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { ListenerConfig } from '../../src/config/schema.ts';
import { Inbox } from './inbox.ts';

/** A broker's end, which notes what comes and closes when told, as a connection does. */
export class Accepted {
  readonly transport: Transport;
  readonly sink: ByteSink;
  readonly reasons: CloseReason[] = [];
  /** What `read` answers. */
  reading = true;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  readonly #ended = Promise.withResolvers<CloseReason>();
  #watcher: (() => void) | undefined;

  constructor(transport: Transport) {
    this.transport = transport;
    this.sink = transport.start({
      read: (buffer, count) => {
        this.#received.push(Buffer.from(buffer.subarray(0, count)));
        this.#receivedBytes += count;
        this.#watcher?.();
        return this.reading;
      },
      ended: (reason) => {
        this.reasons.push(reason);
        if (this.reasons.length === 1) transport.close(reason);
        this.#ended.resolve(reason);
      },
    });
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Resolves once so many bytes have come. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#receivedBytes < count) await new Promise<void>((resolve) => (this.#watcher = resolve));
    return Buffer.concat(this.#received);
  }

  ended(): Promise<CloseReason> {
    return this.#ended.promise;
  }

  resume(): void {
    this.reading = true;
    this.transport.resume();
  }
}

type ListenerOptions = Partial<Omit<ListenerConfig, 'tls'>> & { readonly tls?: Partial<ListenerConfig['tls']> };

/** One engine of transports on a port, with nothing of MQTT behind it. */
export class TransportServer implements AsyncDisposable {
  readonly engine: TransportEngine;
  readonly failures: HandshakeFailureReason[] = [];
  readonly #server: Server;
  readonly #accepted = new Inbox<Accepted>(() => 'a connection');
  readonly #failed = new Inbox<HandshakeFailureReason>(String);

  private constructor(listener: ListenerConfig, material: TlsMaterial | undefined, maximumPacketSize: number) {
    this.engine = createTransportEngine({
      listener,
      material,
      maximumPacketSize,
      onHandshakeFailure: ({ reason }) => {
        this.failures.push(reason);
        this.#failed.push(reason);
      },
    });
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#accepted.push(new Accepted(this.engine.accept(socket))),
    );
  }

  static async open(
    options: ListenerOptions,
    material?: TlsMaterial,
    maximumPacketSize = 1_000_000,
  ): Promise<TransportServer> {
    const [defaults] = loadConfig({ environment: {} }).listeners;
    const listener = { ...defaults!, ...options, tls: { ...defaults!.tls, ...options.tls } };
    const server = new TransportServer(listener, material, maximumPacketSize);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection, which may still shake hands. */
  accepted(): Promise<Accepted> {
    return this.#accepted.take('a connection');
  }

  /** Why the next handshake failed. */
  failure(): Promise<HandshakeFailureReason> {
    return this.#failed.take('a failed handshake');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { transport } of this.#accepted.waiting) transport.destroy();
    this.#server.close();
  }
}
