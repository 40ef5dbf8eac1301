import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { formatPasswordHash, type PasswordHash } from './password-hash.ts';

const TTL_MS = 60_000;
const MAX_ENTRIES = 10_000;

/**
 * Remembers for a minute that a password was right, so that a fleet that reconnects does not hash itself to a
 * standstill. It holds no passwords, only HMACs under a key that lives and dies with the process, and each covers the
 * stored hash: a changed password is not remembered.
 */
export class VerifiedCache {
  readonly #key = randomBytes(32);
  readonly #expiresAt = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(user: string, stored: PasswordHash, password: Uint8Array): boolean {
    const digest = this.#digest(user, stored, password);
    const expiresAt = this.#expiresAt.get(digest);
    if (expiresAt === undefined) return false;
    if (expiresAt > this.#clock.now()) return true;
    this.#expiresAt.delete(digest);
    return false;
  }

  add(user: string, stored: PasswordHash, password: Uint8Array): void {
    const digest = this.#digest(user, stored, password);
    this.#expiresAt.delete(digest);
    // Entries lie in the order in which they were added: the first is the one that expires first.
    if (this.#expiresAt.size >= MAX_ENTRIES) this.#expiresAt.delete(this.#expiresAt.keys().next().value!);
    this.#expiresAt.set(digest, this.#clock.now() + TTL_MS);
  }

  #digest(user: string, stored: PasswordHash, password: Uint8Array): string {
    // JSON keeps the two strings apart; the password is last, so where it begins is never in doubt.
    const bound = JSON.stringify([user, formatPasswordHash(stored)]);
    return createHmac('sha256', this.#key).update(bound).update('\0').update(password).digest('base64');
  }
}
