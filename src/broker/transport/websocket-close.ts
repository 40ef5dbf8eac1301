import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';

/** Of RFC 6455, section 7.4.1, those a broker has use for. */
export const WebSocketCloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
} as const;
export type WebSocketCloseCode = (typeof WebSocketCloseCode)[keyof typeof WebSocketCloseCode];

/** What a browser's page is told of the reason; MQTT 5 has told it more exactly before. */
export function closeCodeOf({ label }: CloseReason): WebSocketCloseCode {
  switch (label) {
    case 'malformed_packet':
    case 'protocol_error':
      return WebSocketCloseCode.protocolError;
    case 'packet_too_large':
      return WebSocketCloseCode.messageTooBig;
    case 'bad_credentials':
    case 'not_authorized':
    case 'banned':
    case 'credentials_expired':
    case 'quota_exceeded':
    case 'keep_alive_timeout':
      return WebSocketCloseCode.policyViolation;
    case 'server_shutdown':
    case 'use_another_server':
      return WebSocketCloseCode.goingAway;
    case 'server_error':
      return WebSocketCloseCode.internalError;
    default:
      return WebSocketCloseCode.normal;
  }
}

/** `ws` has closed by itself already, with the code that fits. */
export function closeReasonOf(error: NodeJS.ErrnoException): CloseReason {
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return CLOSE_REASONS.packetTooLarge;
  return error.code?.startsWith('WS_ERR_') ? CLOSE_REASONS.protocolError : CLOSE_REASONS.socketError;
}
