import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import type { ListenerConfig } from '../../src/config/schema.ts';

export type TransportName = ListenerConfig['transport'];
export const TRANSPORTS: readonly TransportName[] = ['tcp', 'tls', 'ws', 'wss'];

export interface ConnectingOptions
  extends Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'minVersion' | 'maxVersion'> {
  readonly path?: string;
  readonly protocols?: readonly string[];
  readonly origin?: string;
}

const HOST = '127.0.0.1';

/** A client's end, once its handshakes are done; rejects where they fail. */
export async function connectOver(
  transport: TransportName,
  port: number,
  options: ConnectingOptions = {},
): Promise<Duplex> {
  if (transport === 'ws' || transport === 'wss') {
    const webSocket = openWebSocket(transport, port, options);
    await once(webSocket, 'open');
    const stream = createWebSocketStream(webSocket);
    // As a socket does, which does not stay half open.
    return stream.on('end', () => stream.destroy());
  }
  const isTls = transport === 'tls';
  const socket = isTls ? connectTls({ ...options, host: HOST, port }) : connectTcp({ host: HOST, port, noDelay: true });
  await once(socket, isTls ? 'secureConnect' : 'connect');
  return socket;
}

/** Not yet open when it returns, for tests of frames and of handshakes. */
export function openWebSocket(transport: 'ws' | 'wss', port: number, options: ConnectingOptions = {}): WebSocket {
  const { path = '/mqtt', protocols = ['mqtt'], ...rest } = options;
  return new WebSocket(`${transport}://${HOST}:${port}${path}`, [...protocols], { ...rest, perMessageDeflate: false });
}
