import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { addressGroup } from '../limits/address-group.ts';
import { type PasswordHash, parsePasswordHash, verifyPassword } from './password-hash.ts';
import { Slots } from './slots.ts';
import { VerifiedCache } from './verified-cache.ts';

export type Verification =
  | { readonly type: 'verified'; readonly cached: boolean }
  | { readonly type: 'wrong' }
  | { readonly type: 'unknown' }
  | { readonly type: 'overloaded' };

/** The users there are at this moment. */
export interface KnownUsers {
  readonly records: ReadonlyMap<string, PasswordHash>;
  /** Grows when they change. */
  readonly version: number;
}

/** Two of the four threads of Node's pool. */
const HASHES_AT_ONCE = 2;
/** At 60 to 80 ms a hash the last of these has waited about ten seconds: as long as a connection may take. */
const HASHES_WAITING = 256;
/** What an unknown user is verified against while there are no users at all. */
const NOBODY = parsePasswordHash(`$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`)!;

/** Says whether a password is a user's, in bounded memory and time, and without telling who the users are. */
export class PasswordVerifier {
  readonly #users: KnownUsers;
  readonly #slots = new Slots(HASHES_AT_ONCE, HASHES_WAITING);
  readonly #cache: VerifiedCache;
  readonly #decoyKey = randomBytes(32);
  #names: readonly string[] = [];
  #namesVersion = 0;

  constructor(users: KnownUsers, clock: Clock) {
    this.#users = users;
    this.#cache = new VerifiedCache(clock);
  }

  /**
   * `address` is who asks, and shares the time for hashing with others.
   * An unknown user takes as long as a wrong password; whoever asks must not tell the client which it was.
   */
  async verify(user: string, password: Uint8Array, address: string): Promise<Verification> {
    const known = this.#users.records.get(user);
    if (known !== undefined && this.#cache.has(user, known, password)) return { type: 'verified', cached: true };
    const hash = () => verifyPassword(known ?? this.#decoy(user), password);
    const isRight = await this.#slots.run(addressGroup(address), hash);
    if (isRight === undefined) return { type: 'overloaded' };
    if (known === undefined) return { type: 'unknown' };
    // What was right when it was asked may have been withdrawn while it was hashed, or waited for its turn.
    if (!isRight || this.#users.records.get(user) !== known) return { type: 'wrong' };
    this.#cache.add(user, known, password);
    return { type: 'verified', cached: false };
  }

  /** The entry an unknown name is compared with: always the same one for a name, so that its cost tells nothing. */
  #decoy(user: string): PasswordHash {
    const { records, version } = this.#users;
    if (this.#namesVersion !== version) {
      this.#names = [...records.keys()];
      this.#namesVersion = version;
    }
    const number = createHmac('sha256', this.#decoyKey).update(user).digest().readUInt32LE();
    const name = this.#names[number % this.#names.length];
    return (name === undefined ? undefined : records.get(name)) ?? NOBODY;
  }
}
