import type { IncomingMessage } from 'node:http';
import type { ListenerConfig } from '../../config/schema.ts';
import { type HandshakeFailure, handshakeFailure } from './handshake.ts';

/** Names of MQTT as a WebSocket subprotocol, the better first [MQTT-6.0.0-3]; MQTT 3.1 had the second. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const;
const WEBSOCKET_VERSION = '13';

/** An answer that refuses a request. */
export interface HttpRefusal {
  readonly status: 400 | 403 | 404 | 426;
  readonly headers: Readonly<Record<string, string>>;
  readonly failure: HandshakeFailure;
}

/** The subprotocol for a client that offers these. */
export function chooseSubprotocol(offered: ReadonlySet<string>): string | false {
  return SUBPROTOCOLS.find((name) => offered.has(name)) ?? false;
}

/** Why this request cannot become a connection, or undefined. */
export function refusalOf(
  request: IncomingMessage,
  { path, allowedOrigins }: Pick<ListenerConfig, 'path' | 'allowedOrigins'>,
): HttpRefusal | undefined {
  const { headers, url = '' } = request;
  if (url.split('?', 1)[0] !== path) return refusal(404, 'path', `asked for ${url}`);
  if (headers.upgrade?.toLowerCase() !== 'websocket')
    return refusal(426, 'not_websocket', `${request.method} without upgrade`, { Upgrade: 'websocket' });
  if (headers['sec-websocket-version'] !== WEBSOCKET_VERSION)
    return refusal(426, 'not_websocket', 'another version of WebSocket', {
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': WEBSOCKET_VERSION,
    });
  const { origin } = headers;
  // Only browsers send it, and only for them it protects anyone.
  if (origin !== undefined && allowedOrigins?.includes(origin) === false)
    return refusal(403, 'origin', `from ${origin}`);
  const offered = headers['sec-websocket-protocol'] ?? '';
  if (chooseSubprotocol(new Set(offered.split(',').map((name) => name.trim()))) === false)
    return refusal(400, 'subprotocol', `offered ${offered || 'none'}`);
  return undefined;
}

function refusal(
  status: HttpRefusal['status'],
  reason: HandshakeFailure['reason'],
  detail: string,
  headers: HttpRefusal['headers'] = {},
): HttpRefusal {
  return { status, headers, failure: handshakeFailure(reason, detail) };
}
