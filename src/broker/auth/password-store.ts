import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { type PasswordEntries, PasswordFileError, parsePasswordFile } from './password-file.ts';
import { type PasswordHash, parsePasswordHash, verifyPassword } from './password-hash.ts';
import { Slots } from './slots.ts';
import { VerifiedCache } from './verified-cache.ts';

export type Verification =
  | { readonly type: 'verified'; readonly cached: boolean }
  | { readonly type: 'wrong' }
  | { readonly type: 'overloaded' };

/** Two of the four threads of Node's pool. */
const HASHES_AT_ONCE = 2;
/** At 60 to 80 ms a hash the last of these has waited about ten seconds: as long as a connection may take. */
const HASHES_WAITING = 256;
const CHECK_FILE_EVERY_MS = 1000;
/** What an unknown user is verified against while there are no users at all. */
const NOBODY = parsePasswordHash(`$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`)!;

export interface PasswordStoreOptions {
  readonly file: string;
  readonly clock: Clock;
  /** Told when a changed file cannot be used; the users of the last good one stay. */
  readonly onReloadFailed: (error: PasswordFileError) => void;
}

/** The users of a password file, read again when it changes. */
export class PasswordStore {
  readonly #options: PasswordStoreOptions;
  readonly #slots = new Slots(HASHES_AT_ONCE, HASHES_WAITING);
  readonly #cache: VerifiedCache;
  readonly #decoyKey = randomBytes(32);
  #entries: PasswordEntries = new Map();
  #users: readonly string[] = [];
  #version = '';
  #checkedAt = 0;

  private constructor(options: PasswordStoreOptions) {
    this.#options = options;
    this.#cache = new VerifiedCache(options.clock);
  }

  /** Rejects with a PasswordFileError when the file cannot be read or a line is malformed. */
  static async open(options: PasswordStoreOptions): Promise<PasswordStore> {
    const store = new PasswordStore(options);
    await store.reload();
    return store;
  }

  /** Reads the file again. Rejects with a PasswordFileError, and keeps the users it had, when that fails. */
  async reload(): Promise<void> {
    const { file, clock } = this.#options;
    this.#checkedAt = clock.now();
    const version = await this.#readVersion();
    const text = await readFile(file, 'utf8').catch((error: unknown) => this.#unreadable(error));
    // Remembered even if the file is malformed, so that it is told once and not with every connect.
    this.#version = version;
    const entries = parsePasswordFile(text, file);
    this.#entries = entries;
    this.#users = [...entries.keys()];
  }

  /** An unknown user takes as long as a wrong password, and gets the same answer. */
  async verify(user: string, password: Uint8Array): Promise<Verification> {
    await this.#reloadIfChanged();
    const known = this.#entries.get(user);
    if (known !== undefined && this.#cache.has(user, known, password)) return { type: 'verified', cached: true };
    const matches = this.#slots.run(() => verifyPassword(known ?? this.#decoy(user), password));
    if (matches === undefined) return { type: 'overloaded' };
    if (!(await matches) || known === undefined) return { type: 'wrong' };
    this.#cache.add(user, known, password);
    return { type: 'verified', cached: false };
  }

  /** The entry an unknown name is compared with: always the same one for a name, so that its cost tells nothing. */
  #decoy(user: string): PasswordHash {
    const number = createHmac('sha256', this.#decoyKey).update(user).digest().readUInt32LE();
    const name = this.#users[number % this.#users.length];
    return (name === undefined ? undefined : this.#entries.get(name)) ?? NOBODY;
  }

  async #reloadIfChanged(): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#checkedAt < CHECK_FILE_EVERY_MS) return;
    this.#checkedAt = now;
    try {
      if ((await this.#readVersion()) !== this.#version) await this.reload();
    } catch (error) {
      if (!(error instanceof PasswordFileError)) throw error;
      this.#options.onReloadFailed(error);
    }
  }

  /** Changes when the file is written or replaced. */
  async #readVersion(): Promise<string> {
    const { ino, size, mtimeMs, ctimeMs } = await stat(this.#options.file).catch((error: unknown) =>
      this.#unreadable(error),
    );
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  }

  #unreadable(error: unknown): never {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PasswordFileError(
      'unreadable',
      `the password file ${this.#options.file} cannot be read: ${reason}`,
      error,
    );
  }
}
