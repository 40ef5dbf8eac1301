/** How many failures, within which time, lead to a ban of which length. */
export interface FailedLoginLimits {
  /** Of one user from one address. 0: no bans. */
  readonly perUser: number;
  /** From one address, whoever is named. 0: no limit. */
  readonly perAddress: number;
  /** Counted from the first failure. */
  readonly windowMs: number;
  readonly banMs: number;
  /** Counts and bans that are remembered; the oldest give way. */
  readonly maximumEntries: number;
}

export type BanScope = 'user' | 'address';

/** Who failed: an address, and a user at that address. The two are in one table, so their names must differ. */
export interface Suspect {
  readonly user: string;
  readonly address: string;
}

interface Count {
  failures: number;
  readonly since: number;
}

/** What a failure led to. */
export interface FailureResult {
  readonly banned: readonly BanScope[];
  /** Counts and bans that gave way. */
  readonly forgotten: number;
}

/**
 * Counts failed logins and says who is banned. Pure: the time (milliseconds that never run backwards) comes in. Both maps
 * are in order of time, as entries are only added at their end and all last equally long: the first is the oldest.
 */
export class FailedLogins {
  readonly #limits: FailedLoginLimits;
  readonly #counts = new Map<string, Count>();
  /** When each ban ends. */
  readonly #bans = new Map<string, number>();

  constructor(limits: FailedLoginLimits) {
    this.#limits = limits;
  }

  /** True where nobody is banned: there is nothing to look up. */
  get isQuiet(): boolean {
    return this.#bans.size === 0;
  }

  isBanned({ user, address }: Suspect, now: number): boolean {
    this.#dropEnded(now);
    return this.#bans.has(user) || this.#bans.has(address);
  }

  bans(now: number): number {
    this.#dropEnded(now);
    return this.#bans.size;
  }

  failed({ user, address }: Suspect, now: number): FailureResult {
    this.#dropEnded(now);
    const { perUser, perAddress } = this.#limits;
    const banned: BanScope[] = [];
    if (perUser > 0 && this.#count(user, now) >= perUser) banned.push('user');
    if (perUser > 0 && perAddress > 0 && this.#count(address, now) >= perAddress) banned.push('address');
    for (const scope of banned) this.#ban(scope === 'user' ? user : address, now);
    return { banned, forgotten: this.#makeRoom(this.#counts) + this.#makeRoom(this.#bans) };
  }

  /** The user was right in the end. What the address tried under other names stays counted. */
  succeeded({ user }: Suspect): void {
    this.#counts.delete(user);
  }

  #count(key: string, now: number): number {
    const known = this.#counts.get(key);
    if (known !== undefined) return ++known.failures;
    this.#counts.set(key, { failures: 1, since: now });
    return 1;
  }

  #ban(key: string, now: number): void {
    this.#counts.delete(key);
    this.#bans.delete(key);
    this.#bans.set(key, now + this.#limits.banMs);
  }

  #dropEnded(now: number): void {
    for (const [key, endsAt] of this.#bans) {
      if (endsAt > now) break;
      this.#bans.delete(key);
    }
    for (const [key, { since }] of this.#counts) {
      if (since + this.#limits.windowMs > now) break;
      this.#counts.delete(key);
    }
  }

  #makeRoom(entries: Map<string, unknown>): number {
    let forgotten = 0;
    for (const key of entries.keys()) {
      if (entries.size <= this.#limits.maximumEntries) break;
      entries.delete(key);
      forgotten += 1;
    }
    return forgotten;
  }
}
