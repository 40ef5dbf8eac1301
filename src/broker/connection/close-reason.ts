import { ReasonCode } from '../../mqtt/reason-code.ts';

/** Why the broker ends a connection: one word for metric and span, and what an MQTT 5 client is told. */
export interface CloseReason {
  readonly label:
    | 'client_disconnect'
    | 'client_closed'
    | 'socket_error'
    | 'handshake_failed'
    | 'connect_timeout'
    | 'keep_alive_timeout'
    | 'malformed_packet'
    | 'protocol_error'
    | 'packet_too_large'
    | 'bad_credentials'
    | 'not_authorized'
    | 'session_taken_over'
    | 'quota_exceeded'
    | 'slow_client'
    | 'server_shutdown'
    | 'server_error'
    | 'use_another_server'
    | 'banned'
    | 'credentials_expired'
    | 'administrative';
  /** Reason code of the DISCONNECT an MQTT 5 client gets; undefined: the connection just ends. */
  readonly reasonCode: ReasonCode | undefined;
  /** Of that DISCONNECT: where the client should go instead. */
  readonly serverReference?: string;
}

export const CLOSE_REASONS = {
  clientDisconnect: { label: 'client_disconnect', reasonCode: undefined },
  clientClosed: { label: 'client_closed', reasonCode: undefined },
  socketError: { label: 'socket_error', reasonCode: undefined },
  handshakeFailed: { label: 'handshake_failed', reasonCode: undefined },
  connectTimeout: { label: 'connect_timeout', reasonCode: undefined },
  keepAliveTimeout: { label: 'keep_alive_timeout', reasonCode: ReasonCode.keepAliveTimeout },
  malformedPacket: { label: 'malformed_packet', reasonCode: ReasonCode.malformedPacket },
  protocolError: { label: 'protocol_error', reasonCode: ReasonCode.protocolError },
  packetTooLarge: { label: 'packet_too_large', reasonCode: ReasonCode.packetTooLarge },
  notAuthorized: { label: 'not_authorized', reasonCode: ReasonCode.notAuthorized },
  banned: { label: 'banned', reasonCode: undefined },
  credentialsExpired: { label: 'credentials_expired', reasonCode: ReasonCode.maximumConnectTime },
  sessionTakenOver: { label: 'session_taken_over', reasonCode: ReasonCode.sessionTakenOver },
  quotaExceeded: { label: 'quota_exceeded', reasonCode: ReasonCode.quotaExceeded },
  serverShutdown: { label: 'server_shutdown', reasonCode: ReasonCode.serverShuttingDown },
  serverError: { label: 'server_error', reasonCode: ReasonCode.unspecifiedError },
} as const satisfies Record<string, CloseReason>;

/** The close reason that goes with a reason code found while reading a client's packets. */
export function closeReasonFor(reasonCode: ReasonCode): CloseReason {
  switch (reasonCode) {
    case ReasonCode.malformedPacket:
      return CLOSE_REASONS.malformedPacket;
    case ReasonCode.packetTooLarge:
      return CLOSE_REASONS.packetTooLarge;
    case ReasonCode.notAuthorized:
      return CLOSE_REASONS.notAuthorized;
    case ReasonCode.quotaExceeded:
      return CLOSE_REASONS.quotaExceeded;
    default:
      return { label: 'protocol_error', reasonCode };
  }
}
