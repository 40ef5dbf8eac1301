import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { ListenerConfig } from '../../config/schema.ts';
import type { HandshakeOutcome } from './handshake.ts';
import { certificateFailureOf, tlsFailureOf } from './tls-failure.ts';
import { secureContextOptions, type TlsMaterial } from './tls-material.ts';

/** The longest Node takes: what bounds a handshake is the time a connection has for its CONNECT. */
const NEVER_MS = 0x7fff_ffff;

type Done = (outcome: HandshakeOutcome<TLSSocket>) => void;

/** TLS for the sockets of a listener. */
export class TlsHandshakes {
  /** Never listens: it is given sockets, so that they count as connections before their handshake. */
  readonly #server: Server;
  readonly #underWay = new WeakMap<Socket, Done>();
  readonly #tls: ListenerConfig['tls'];

  constructor(tls: ListenerConfig['tls'], material: TlsMaterial) {
    this.#tls = tls;
    const requestCert = tls.clientCertificates !== 'none';
    const rejectUnauthorized = tls.clientCertificates === 'required';
    this.#server = createServer({
      ...secureContextOptions(tls, material),
      requestCert,
      rejectUnauthorized,
      handshakeTimeout: NEVER_MS,
    });
    this.#server.on('secureConnection', (socket) => {
      const failure = socket.getPeerX509Certificate() === undefined ? undefined : certificateFailureOf(socket);
      this.#settle(socket, failure ?? { type: 'done', result: socket });
    });
    this.#server.on('tlsClientError', (error, socket) => this.#settle(socket, tlsFailureOf(error, socket)));
  }

  /** `done` is called once, also where the socket just closes. */
  begin(socket: Socket, done: Done): void {
    this.#underWay.set(socket, done);
    this.#server.emit('connection', socket);
  }

  /** New handshakes use this; what is open stays as it is. Sessions of before are not resumed. */
  replace(material: TlsMaterial): void {
    this.#server.setSecureContext(secureContextOptions(this.#tls, material));
  }

  #settle(socket: TLSSocket, outcome: HandshakeOutcome<TLSSocket>): void {
    const accepted = acceptedSocketOf(socket);
    const done = this.#underWay.get(accepted);
    this.#underWay.delete(accepted);
    if (outcome.type === 'failed') socket.destroy();
    done?.(outcome);
  }
}

/** Node keeps the socket it has wrapped, and has no other way to tell which of them this is. */
function acceptedSocketOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}
