/** Why a TLS or WebSocket handshake failed: one word for metric and log. */
export type HandshakeFailureReason =
  | 'not_tls'
  | 'protocol_version'
  | 'no_certificate'
  | 'untrusted_certificate'
  | 'revoked_certificate'
  | 'refused_by_client'
  | 'not_websocket'
  | 'path'
  | 'origin'
  | 'subprotocol'
  | 'timeout'
  | 'client_closed'
  | 'other';

export interface HandshakeFailure {
  readonly type: 'failed';
  readonly reason: HandshakeFailureReason;
  /** What was found, for the log; never shown to the client. */
  readonly detail: string;
}

/** How a handshake ended. */
export type HandshakeOutcome<Result> = { readonly type: 'done'; readonly result: Result } | HandshakeFailure;

export function handshakeFailure(reason: HandshakeFailureReason, detail: string): HandshakeFailure {
  return { type: 'failed', reason, detail };
}
