import { ReasonCode } from '../../mqtt/reason-code.ts';
import { sessionEndsAt } from './expiry.ts';

/** The message that a client leaves to be published when its connection breaks [MQTT-3.1.2-7]. */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** The property block as it goes out with the message. */
  readonly properties: Uint8Array;
  readonly delaySeconds: number;
  /** Message expiry in seconds. */
  readonly expirySeconds?: number;
  /** The span under which the will was given (25 bytes). */
  readonly context: Uint8Array;
}

/** How a connection came to its end. */
export type ConnectionEnd =
  /** The client sent DISCONNECT (3.1.1 has only reason code 0). */
  | { readonly type: 'disconnected'; readonly reasonCode: number }
  /** The connection broke, kept silent too long, or was closed by the server for whatever reason. */
  | { readonly type: 'lost' }
  /** Another connection took the client identifier. A clean start ends the session, else it goes on with the heir. */
  | { readonly type: 'taken_over'; readonly sessionContinues: boolean };

export type WillDecision =
  | { readonly type: 'discard' }
  | { readonly type: 'publish' }
  /** Keep it, and publish when this time (Unix milliseconds) comes, unless the client is back before. */
  | { readonly type: 'delay'; readonly dueAt: number };

const DISCARD: WillDecision = { type: 'discard' };
const PUBLISH: WillDecision = { type: 'publish' };

/**
 * What becomes of the will when its connection ends: nothing after a DISCONNECT with reason code 0
 * [MQTT-3.1.2-10] [MQTT-3.14.4-3]; otherwise it is published when its delay has passed or the session ends, whichever is
 * first [MQTT-3.1.2-8], but not if the session goes on in a new connection before that [MQTT-3.1.3-9].
 */
export function willAtConnectionEnd(
  end: ConnectionEnd,
  delaySeconds: number,
  sessionExpirySeconds: number,
  now: number,
): WillDecision {
  if (end.type === 'disconnected' && end.reasonCode === ReasonCode.normalDisconnection) return DISCARD;
  if (delaySeconds === 0) return PUBLISH;
  if (end.type === 'taken_over') return end.sessionContinues ? DISCARD : PUBLISH;
  const dueAt = Math.min(now + delaySeconds * 1000, sessionEndsAt(now, sessionExpirySeconds));
  return dueAt <= now ? PUBLISH : { type: 'delay', dueAt };
}

/** What becomes of a will that is still waiting when its client connects again. */
export function delayedWillAtConnect(sessionContinues: boolean): WillDecision {
  return sessionContinues ? DISCARD : PUBLISH;
}
