import { FROM_RETAINED } from '../session/inflight-window.ts';

/*
 * By which of its subscriptions a session got a message, as windows, session logs and stored sessions say it:
 *
 *   0                   all of its own together: one copy
 *   1 … 2^31 - 1        a shared one, that is, a shared group
 *   2^31 … 2^32 - 2     one of its own, of several that get a copy each
 *   2^32 - 1            none: the message was retained (FROM_RETAINED)
 */

const OWN = 0x8000_0000;

/** Of the whole `$share/{group}/{filter}`; the same after every restart. */
export function numberOfGroup(filter: string): number {
  return (hashOf(filter) % (OWN - 1)) + 1;
}

/** Of a plain filter; the same after every restart. */
export function numberOfOwn(filter: string): number {
  return OWN + (hashOf(filter) % (FROM_RETAINED - OWN));
}

export function isOfGroup(number: number): boolean {
  return number > 0 && number < OWN;
}

export function isOfOwn(number: number): boolean {
  return number >= OWN && number < FROM_RETAINED;
}

/** FNV-1a. */
function hashOf(filter: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(filter)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
