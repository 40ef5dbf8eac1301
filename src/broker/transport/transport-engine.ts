import type { Socket } from 'node:net';
import type { ListenerConfig } from '../../config/schema.ts';
import type { HandshakeFailure } from './handshake.ts';
import { TcpTransport } from './tcp-transport.ts';
import { TlsHandshakes } from './tls-handshakes.ts';
import { hasTls, type TlsMaterial } from './tls-material.ts';
import { TlsTransport } from './tls-transport.ts';
import type { Transport } from './transport.ts';
import { WebSocketHandshakes } from './websocket-handshakes.ts';
import { WebSocketTransport } from './websocket-transport.ts';

/** One buffer reads for everybody: it is handed up before the next read, and only beginnings of packets are copied. */
const READ_BUFFER_BYTES = 64 * 1024;

/** What makes transports of a listener's sockets. */
export interface TransportEngine {
  /** `socket` has not begun to read. */
  accept(socket: Socket): Transport;
  /** Certificates for handshakes to come. */
  replace(material: TlsMaterial): void;
}

export interface TransportEngineOptions {
  readonly listener: ListenerConfig;
  /** Of listeners with TLS. */
  readonly material: TlsMaterial | undefined;
  /** Largest MQTT packet of this listener. */
  readonly maximumPacketSize: number;
  readonly onHandshakeFailure: (failure: HandshakeFailure, address: string) => void;
}

export function createTransportEngine(options: TransportEngineOptions): TransportEngine {
  const { listener, material } = options;
  if (listener.transport === 'tcp') return tcpEngine();
  const tls = hasTls(listener) ? new TlsHandshakes(listener.tls, material!) : undefined;
  const accept = listener.transport === 'tls' ? tlsAcceptor(options, tls!) : webSocketAcceptor(options, tls);
  return { accept, replace: (renewed) => tls?.replace(renewed) };
}

export function tcpEngine(): TransportEngine {
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return { accept: (socket) => new TcpTransport(socket, buffer), replace: () => undefined };
}

function tlsAcceptor(
  { listener, onHandshakeFailure }: TransportEngineOptions,
  tls: TlsHandshakes,
): TransportEngine['accept'] {
  const { identity } = listener.tls;
  return (socket) => new TlsTransport(socket, { tls, identity, onFailure: onHandshakeFailure });
}

function webSocketAcceptor(
  { listener, maximumPacketSize, onHandshakeFailure }: TransportEngineOptions,
  tls: TlsHandshakes | undefined,
): TransportEngine['accept'] {
  const { identity } = listener.tls;
  // A frame may hold several packets: a full buffer of them beside the largest.
  const webSocket = new WebSocketHandshakes(listener, maximumPacketSize + READ_BUFFER_BYTES);
  return (socket) => new WebSocketTransport(socket, { tls, identity, webSocket, onFailure: onHandshakeFailure });
}
