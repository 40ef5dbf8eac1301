import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ListenerConfig } from '../../config/schema.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { ByteSink } from '../connection/outbox.ts';
import { certificateIdentityOf } from './certificate-identity.ts';
import { CopyingSink } from './copying-sink.ts';
import { type HandshakeFailure, handshakeFailure } from './handshake.ts';
import { LateSink } from './late-sink.ts';
import { closeSoon } from './linger.ts';
import type { TlsHandshakes } from './tls-handshakes.ts';
import type { Transport, TransportReader } from './transport.ts';

/** How TLS begins on a listener. */
export interface TlsSteps {
  readonly tls: TlsHandshakes;
  readonly identity: ListenerConfig['tls']['identity'];
  readonly onFailure: (failure: HandshakeFailure, address: string) => void;
}

/** MQTT in TLS. */
export class TlsTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  certificateIdentity: string | undefined;
  readonly #accepted: Socket;
  readonly #steps: TlsSteps;
  readonly #sink = new LateSink();
  #socket: TLSSocket | undefined;
  #ended = false;

  constructor(accepted: Socket, steps: TlsSteps) {
    this.remoteAddress = accepted.remoteAddress ?? '';
    this.remotePort = accepted.remotePort ?? 0;
    this.#accepted = accepted;
    this.#steps = steps;
  }

  start(reader: TransportReader): ByteSink {
    this.#steps.tls.begin(this.#accepted, (outcome) => {
      if (this.#ended) return;
      if (outcome.type === 'done') this.#open(outcome.result, reader);
      else this.#fail(outcome, reader);
    });
    return this.#sink;
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(reason: CloseReason): void {
    const socket = this.#socket;
    if (socket === undefined) this.#giveUp(reason);
    else if (this.#sink.writableLength > 0) socket.destroy();
    else closeSoon(socket);
    this.#ended = true;
  }

  destroy(): void {
    this.#ended = true;
    this.#accepted.destroy();
  }

  #open(socket: TLSSocket, reader: TransportReader): void {
    this.#socket = socket;
    this.#sink.target = new CopyingSink(socket);
    this.certificateIdentity = certificateIdentityOf(socket, this.#steps.identity);
    socket.on('error', () => reader.ended(CLOSE_REASONS.socketError));
    socket.on('end', () => reader.ended(CLOSE_REASONS.clientClosed));
    socket.on('close', () => reader.ended(CLOSE_REASONS.clientClosed));
    socket.on('data', (bytes: Buffer) => {
      if (!reader.read(bytes, bytes.length)) socket.pause();
    });
  }

  #fail(failure: HandshakeFailure, reader: TransportReader): void {
    this.#ended = true;
    this.#steps.onFailure(failure, this.remoteAddress);
    reader.ended(CLOSE_REASONS.handshakeFailed);
  }

  /** The handshake has not ended. */
  #giveUp(reason: CloseReason): void {
    if (!this.#ended && reason === CLOSE_REASONS.connectTimeout)
      this.#steps.onFailure(handshakeFailure('timeout', 'the handshake took too long'), this.remoteAddress);
    this.#accepted.destroy();
  }
}
