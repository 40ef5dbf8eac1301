import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ListenerConfig } from '../../config/schema.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { ByteSink } from '../connection/outbox.ts';
import { certificateIdentityOf } from './certificate-identity.ts';
import { CopyingSink } from './copying-sink.ts';
import { type HandshakeFailure, handshakeFailure } from './handshake.ts';
import { LateSink } from './late-sink.ts';
import { closeSoon } from './linger.ts';
import { SlicedReads } from './sliced-reads.ts';
import type { TlsHandshakes } from './tls-handshakes.ts';
import type { Transport, TransportReader } from './transport.ts';
import { closeCodeOf, closeReasonOf, WebSocketCloseCode } from './websocket-close.ts';
import type { WebSocketHandshakes } from './websocket-handshakes.ts';
import { WebSocketSink } from './websocket-sink.ts';

/**
 * Bytes of pings and pongs that may come between two messages. Each part of a message keeps what was read together with
 * it, which these would make as much as a client likes; who only ever pings takes weeks for so many.
 */
const MAX_CONTROL_BYTES = 1024 * 1024;
/** Of a frame of at most 125 bytes. */
const FRAME_HEADER_BYTES = 6;

/** The handshakes of a listener: TLS in front of WebSocket, or WebSocket alone. */
export interface WebSocketSteps {
  readonly tls: TlsHandshakes | undefined;
  readonly identity: ListenerConfig['tls']['identity'];
  readonly webSocket: WebSocketHandshakes;
  readonly onFailure: (failure: HandshakeFailure, address: string) => void;
}

/** MQTT in WebSocket frames (section 6 of both versions), in the clear or in TLS. */
export class WebSocketTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  certificateIdentity: string | undefined;
  readonly #accepted: Socket;
  readonly #steps: WebSocketSteps;
  readonly #sink = new LateSink();
  /** What carries the frames: TLS, once its handshake is done, or TCP. */
  #socket: Socket | undefined;
  #webSocket: WebSocket | undefined;
  #reads: SlicedReads | undefined;
  /** Set where the transport's own rules were broken. */
  #closeCode: WebSocketCloseCode | undefined;
  /** Since the last message. */
  #controlBytes = 0;
  #ended = false;

  constructor(accepted: Socket, steps: WebSocketSteps) {
    this.remoteAddress = accepted.remoteAddress ?? '';
    this.remotePort = accepted.remotePort ?? 0;
    this.#accepted = accepted;
    this.#steps = steps;
  }

  start(reader: TransportReader): ByteSink {
    const { tls, identity } = this.#steps;
    if (tls === undefined) this.#upgrade(this.#accepted, reader);
    else
      tls.begin(this.#accepted, (outcome) => {
        if (this.#ended) return;
        if (outcome.type === 'failed') {
          this.#fail(outcome, reader);
          return;
        }
        this.certificateIdentity = certificateIdentityOf(outcome.result, identity);
        this.#upgrade(outcome.result, reader);
      });
    return this.#sink;
  }

  resume(): void {
    this.#reads?.resume();
  }

  close(reason: CloseReason): void {
    const isOver = this.#ended;
    this.#ended = true;
    if (this.#webSocket !== undefined) this.#sayGoodbye(this.#webSocket, this.#closeCode ?? closeCodeOf(reason));
    else if (isOver) closeSoon(this.#socket ?? this.#accepted);
    else {
      if (reason === CLOSE_REASONS.connectTimeout)
        this.#steps.onFailure(handshakeFailure('timeout', 'the handshake took too long'), this.remoteAddress);
      this.#accepted.destroy();
    }
  }

  destroy(): void {
    this.#ended = true;
    this.#accepted.destroy();
  }

  #upgrade(socket: Socket, reader: TransportReader): void {
    this.#socket = socket;
    socket.on('error', () => reader.ended(CLOSE_REASONS.socketError));
    this.#steps.webSocket.begin(socket, (outcome) => {
      if (this.#ended) return;
      if (outcome.type === 'done') this.#open(outcome.result, socket, reader);
      else this.#fail(outcome, reader);
    });
  }

  #open(webSocket: WebSocket, socket: Socket, reader: TransportReader): void {
    const sink = new WebSocketSink(webSocket, socket);
    const reads = new SlicedReads(webSocket, (bytes) => reader.read(bytes, bytes.length));
    this.#webSocket = webSocket;
    this.#reads = reads;
    this.#sink.target = socket === this.#accepted ? sink : new CopyingSink(sink);
    webSocket.on('message', (bytes: Buffer, isBinary: boolean) => this.#receive(bytes, isBinary, reads, reader));
    for (const event of ['ping', 'pong'])
      webSocket.on(event, ({ length }: Buffer) => this.#countControl(length, reader));
    webSocket.on('error', (error) => reader.ended(closeReasonOf(error)));
    webSocket.on('close', () => reads.end(() => reader.ended(CLOSE_REASONS.clientClosed)));
  }

  #receive(bytes: Buffer, isBinary: boolean, reads: SlicedReads, reader: TransportReader): void {
    // What comes behind our goodbye is read, so that theirs is reached, and not looked at.
    if (this.#ended) return;
    this.#controlBytes = 0;
    if (!isBinary) {
      // [MQTT-6.0.0-1]
      this.#closeCode = WebSocketCloseCode.unsupportedData;
      reader.ended(CLOSE_REASONS.protocolError);
    } else reads.push(bytes);
  }

  #countControl(length: number, reader: TransportReader): void {
    this.#controlBytes += FRAME_HEADER_BYTES + length;
    if (this.#controlBytes <= MAX_CONTROL_BYTES) return;
    if (this.#ended) {
      this.#webSocket!.terminate();
      return;
    }
    this.#controlBytes = 0;
    this.#closeCode = WebSocketCloseCode.policyViolation;
    reader.ended(CLOSE_REASONS.protocolError);
  }

  #sayGoodbye(webSocket: WebSocket, code: WebSocketCloseCode): void {
    this.#reads!.close();
    if (this.#sink.writableLength > 0) {
      webSocket.terminate();
      return;
    }
    webSocket.close(code);
  }

  #fail(failure: HandshakeFailure, reader: TransportReader): void {
    this.#ended = true;
    this.#steps.onFailure(failure, this.remoteAddress);
    reader.ended(CLOSE_REASONS.handshakeFailed);
  }
}
