import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { LoginOutcome } from '../auth/login.ts';
import { CLOSE_REASONS, type CloseReason } from '../connection/close-reason.ts';
import type { ActiveDrain } from '../drain.ts';
import type { AdmissionRefusal } from '../limits/connection-admission.ts';

/** A refusal, in the words of the protocol and of the span. */
export interface Refusal {
  readonly reasonCode: ReasonCode;
  readonly errorType: string;
  /** Fixed words that tell nothing of the inside: an MQTT 5 client gets them as the reason string. */
  readonly message: string;
  /** Another server that would take the client (0x9C). */
  readonly serverReference?: string | undefined;
  /** What was thrown, where something was. */
  readonly cause?: unknown;
}

export function refuse(reasonCode: ReasonCode, errorType: string, message: string): Refusal {
  return { reasonCode, errorType, message };
}

export function refusalOf(outcome: Exclude<LoginOutcome, { type: 'allowed' }>): Refusal {
  switch (outcome.type) {
    case 'refused':
      return refuse(outcome.reasonCode, 'refused', 'the credentials were not accepted');
    case 'banned':
      return refuse(ReasonCode.banned, 'banned', 'too many logins failed; try again later');
    case 'unavailable':
      return refuse(outcome.reasonCode, 'unavailable', 'the credentials cannot be checked now; try again later');
  }
}

/** A broker that is being emptied takes nobody: clients are told where else to go. */
export function refusalWhileDraining(drain: ActiveDrain | undefined): Refusal | undefined {
  if (drain === undefined) return undefined;
  const refusal = refuse(
    ReasonCode.useAnotherServer,
    'use_another_server',
    'this broker is being emptied; use another server',
  );
  return { ...refusal, serverReference: drain.serverReference };
}

export function refusalBeyondLimit({ reasonCode, limit }: AdmissionRefusal): Refusal {
  return refuse(reasonCode, limit, 'the broker takes no more connections now');
}

/** How a connection that was refused is counted. */
export function closeReasonOf(reasonCode: ReasonCode): CloseReason {
  switch (reasonCode) {
    case ReasonCode.badUserNameOrPassword:
      return { label: 'bad_credentials', reasonCode: undefined };
    case ReasonCode.notAuthorized:
      return CLOSE_REASONS.notAuthorized;
    case ReasonCode.malformedPacket:
      return CLOSE_REASONS.malformedPacket;
    case ReasonCode.banned:
      return CLOSE_REASONS.banned;
    case ReasonCode.unspecifiedError:
    case ReasonCode.serverBusy:
    case ReasonCode.serverUnavailable:
      return CLOSE_REASONS.serverError;
    case ReasonCode.packetTooLarge:
      return CLOSE_REASONS.packetTooLarge;
    case ReasonCode.useAnotherServer:
      return { label: 'use_another_server', reasonCode };
    default:
      return CLOSE_REASONS.protocolError;
  }
}
