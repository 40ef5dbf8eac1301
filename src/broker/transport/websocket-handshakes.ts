import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ListenerConfig } from '../../config/schema.ts';
import { type HandshakeOutcome, handshakeFailure } from './handshake.ts';
import { LINGER_MS } from './linger.ts';
import { chooseSubprotocol, type HttpRefusal, refusalOf } from './websocket-request.ts';

/**
 * Parts of one message, and pieces in which one frame comes: few for a client, many for who means harm. Clients divide
 * into 4 KiB and slow networks into 1.4 KiB, so large messages may have more.
 */
const LEAST_PIECES = 4096;
const PIECE_BYTES = 1024;
/** `ws` takes pieces from the front of an array, which beyond this many blocks the loop for seconds. */
const MAX_BUFFERED_CHUNKS = 16 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;

/** What a client comes to that goes before its request is whole. */
const LEFT: ReadonlySet<string> = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE']);

type Done = (outcome: HandshakeOutcome<WebSocket>) => void;

/** WebSocket for the sockets of a listener, in the clear or in TLS. */
export class WebSocketHandshakes {
  /** Neither listens: they are given sockets, so that these count as connections before their handshake. */
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #underWay = new WeakMap<Duplex, Done>();
  readonly #listener: Pick<ListenerConfig, 'path' | 'allowedOrigins'>;

  /** `maximumFrameBytes`: a frame, or message of several, that is larger ends the connection. */
  constructor(listener: Pick<ListenerConfig, 'path' | 'allowedOrigins'>, maximumFrameBytes: number) {
    this.#listener = listener;
    const maxPieces = Math.max(LEAST_PIECES, Math.ceil(maximumFrameBytes / PIECE_BYTES));
    // In a variable, since its types do not know all of its options yet.
    const options = {
      noServer: true,
      clientTracking: false,
      // MQTT payloads are small or compressed already, and a compression state for each client costs more than it saves.
      perMessageDeflate: false,
      maxPayload: maximumFrameBytes,
      maxFragments: maxPieces,
      maxBufferedChunks: Math.min(maxPieces, MAX_BUFFERED_CHUNKS),
      closeTimeout: LINGER_MS,
      handleProtocols: chooseSubprotocol,
    };
    this.#webSockets = new WebSocketServer(options);
    this.#http = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    // With expectations too: Node would answer them by itself, and go on.
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      this.#http.on(event, (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
    this.#http.on('connect', (_request, socket) => this.#refuse(socket, NOT_AN_UPGRADE));
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (LEFT.has(error.code ?? '')) this.#settle(socket, handshakeFailure('client_closed', error.message));
      else this.#refuse(socket, { ...BAD_REQUEST, failure: handshakeFailure('not_websocket', error.code ?? '') });
    });
  }

  /** `done` is called once, also where the socket just closes. */
  begin(socket: Socket, done: Done): void {
    this.#underWay.set(socket, done);
    socket.on('close', () => this.#settle(socket, handshakeFailure('client_closed', 'closed before its request')));
    this.#http.emit('connection', socket);
    socket.resume();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const refused = refusalOf(request, this.#listener) ?? NOT_AN_UPGRADE;
    response.writeHead(refused.status, { ...refused.headers, Connection: 'close', 'Content-Length': 0 });
    response.end();
    this.#settle(socket, refused.failure);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refused = refusalOf(request, this.#listener);
    if (refused !== undefined) {
      this.#refuse(socket, refused);
      return;
    }
    let isOpen = false;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      isOpen = true;
      this.#settle(socket, { type: 'done', result: webSocket });
    });
    // It has answered by itself, for a key or a list of subprotocols that is none.
    if (!isOpen) this.#settle(socket, handshakeFailure('not_websocket', 'the headers are not those of RFC 6455'));
  }

  #refuse(socket: Duplex, { status, headers, failure }: HttpRefusal): void {
    // Whoever sends no HTTP may well be gone already.
    socket.on('error', () => undefined);
    const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': '0' });
    if (socket.writable)
      socket.write(
        [
          `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
          ...lines.map(([name, value]) => `${name}: ${value}`),
          '',
          '',
        ].join('\r\n'),
      );
    this.#settle(socket, failure);
  }

  #settle(socket: Duplex, outcome: HandshakeOutcome<WebSocket>): void {
    const done = this.#underWay.get(socket);
    this.#underWay.delete(socket);
    done?.(outcome);
  }
}

const BAD_REQUEST: Pick<HttpRefusal, 'status' | 'headers'> = { status: 400, headers: {} };

/** An upgrade header that Node did not take for one, or a tunnel. */
const NOT_AN_UPGRADE: HttpRefusal = { ...BAD_REQUEST, failure: handshakeFailure('not_websocket', 'no upgrade') };
