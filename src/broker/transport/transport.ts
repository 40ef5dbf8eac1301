import type { ListenerConfig } from '../../config/schema.ts';
import type { CloseReason } from '../connection/close-reason.ts';
import type { ByteSink } from '../connection/outbox.ts';

/** How addresses of each kind are written. */
export const SCHEMES: Readonly<Record<ListenerConfig['transport'], string>> = {
  tcp: 'mqtt',
  tls: 'mqtts',
  ws: 'ws',
  wss: 'wss',
};

/** Who reads what a transport brings. */
export interface TransportReader {
  /** Bytes `[0, count)` of `buffer`, valid during the call. False: no more until `resume`. */
  read(buffer: Buffer, count: number): boolean;
  /** Nothing more comes: the peer has gone, or broke the rules of the transport. */
  ended(reason: CloseReason): void;
}

/** A client's way to the broker: MQTT bytes in both directions, whatever carries them. */
export interface Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** What the client's certificate says it is; only of a certificate that was verified, so not before the first bytes. */
  readonly certificateIdentity: string | undefined;
  /** Begins to read. Bytes to be sent go into the sink, once the first have come. */
  start(reader: TransportReader): ByteSink;
  resume(): void;
  /** Sends what the sink was given, says goodbye, and closes; a client that does not read cannot delay that for long. */
  close(reason: CloseReason): void;
  /** Closes at once, also without `start`. */
  destroy(): void;
}
