/** Session expiry interval of a session that never expires (MQTT 5 section 3.1.2.11.2). */
export const NEVER_EXPIRES_SECONDS = 0xffff_ffff;

/**
 * How long the session outlives its connection, in seconds. In 3.1.1 a clean session ends with it and any other stays as
 * long as the server allows; in 5.0 the property says, and its absence means 0.
 */
export function expiryAtConnect(
  protocolVersion: number,
  clean: boolean,
  propertySeconds: number | undefined,
  maximumSeconds: number,
): number {
  if (protocolVersion < 5) return clean ? 0 : maximumSeconds;
  return Math.min(propertySeconds ?? 0, maximumSeconds);
}

export type DisconnectExpiry =
  | { readonly type: 'accepted'; readonly seconds: number }
  | { readonly type: 'protocol_error' };

/**
 * A DISCONNECT may change the interval, but not from 0 to anything else (MQTT 5 section 3.14.2.2.2); `connectSeconds` is what
 * `expiryAtConnect` gave.
 */
export function expiryAtDisconnect(
  connectSeconds: number,
  propertySeconds: number | undefined,
  maximumSeconds: number,
): DisconnectExpiry {
  if (propertySeconds === undefined) return { type: 'accepted', seconds: connectSeconds };
  if (connectSeconds === 0 && propertySeconds !== 0) return { type: 'protocol_error' };
  return { type: 'accepted', seconds: Math.min(propertySeconds, maximumSeconds) };
}

/** When the session ends, Unix milliseconds; Infinity for never. */
export function sessionEndsAt(disconnectedAt: number, expirySeconds: number): number {
  return expirySeconds === NEVER_EXPIRES_SECONDS ? Number.POSITIVE_INFINITY : disconnectedAt + expirySeconds * 1000;
}
