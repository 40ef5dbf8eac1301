import type { TLSSocket } from 'node:tls';
import { type HandshakeFailure, type HandshakeFailureReason, handshakeFailure } from './handshake.ts';

/** OpenSSL's and Node's codes; what is not here is `other`, with the code in the log. */
const REASONS: Readonly<Record<string, HandshakeFailureReason>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not_tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'protocol_version',
  ERR_SSL_VERSION_TOO_LOW: 'protocol_version',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_certificate',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'client_closed',
};

export function tlsFailureOf(error: NodeJS.ErrnoException, socket: TLSSocket): HandshakeFailure {
  // A certificate that does not verify ends in Node's code, not in OpenSSL's: the error then only says that it has closed.
  const failure = certificateFailureOf(socket);
  if (failure !== undefined) return failure;
  const code = error.code ?? '';
  if (/^ERR_SSL_(SSLV3|TLSV1)_ALERT_/.test(code) || /^ERR_SSL_TLSV13_ALERT_/.test(code))
    return handshakeFailure('refused_by_client', code);
  return handshakeFailure(REASONS[code] ?? 'other', code || error.message);
}

/** A client need not have a certificate unless that is required; one that it shows must be good. */
export function certificateFailureOf(socket: TLSSocket): HandshakeFailure | undefined {
  // Typed as an Error, but a code like CERT_REVOKED.
  const problem = socket.authorizationError as unknown as string | null | undefined;
  if (socket.authorized || !problem) return undefined;
  return handshakeFailure(problem === 'CERT_REVOKED' ? 'revoked_certificate' : 'untrusted_certificate', problem);
}
