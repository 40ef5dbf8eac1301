import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { ASYMMETRIC, type JwtKeys } from './jwt-keys.ts';

const FETCH_TIMEOUT_MS = 5000;
/** Between two fetches for a key that is not in the set, and after one that failed: tokens must not become requests. */
const COOLDOWN_MS = 10_000;
const LARGEST_ANSWER_BYTES = 1024 * 1024;

/** No keys were ever fetched, and now they cannot be. */
export class KeySetUnavailable extends CodedError<'key_set_unavailable'> {}

/**
 * The key set of a URL, fetched when it is first wanted, when it is old, and when a token names a key that is not in it.
 * While the URL cannot be reached the keys of the last fetch go on: an issuer that is down must not lock out who has a
 * valid token of it.
 */
export class RemoteKeySet implements JwtKeys {
  readonly algorithms = ASYMMETRIC;
  readonly #set: RemoteJWKSet;
  readonly #refreshMs: number;
  readonly #clock: Clock;
  readonly #onFailure: (error: Error) => void;
  readonly #closing = new AbortController();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  /** @param onFailure told of the first of failures in a row */
  constructor(url: string, refreshMs: number, clock: Clock, onFailure: (error: Error) => void) {
    this.#refreshMs = refreshMs;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#set = createRemoteJWKSet(new URL(url), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      // When to fetch is decided here, by our clock.
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
      [customFetch]: (address, options) => this.#fetch(address, options),
    });
  }

  /** Rejects with KeySetUnavailable, or with what jose says of the key. */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#clock.now() - this.#fetchedAt >= this.#refreshMs) await this.#refresh();
    if (this.#set.jwks() === undefined)
      throw new KeySetUnavailable('key_set_unavailable', 'the key set of tokens cannot be fetched');
    try {
      return await this.#set(header, token);
    } catch (error) {
      const mayBeNew = this.#clock.now() - this.#fetchedAt >= COOLDOWN_MS;
      if (!(error instanceof errors.JWKSNoMatchingKey && mayBeNew)) throw error;
      await this.#refresh();
      return await this.#set(header, token);
    }
  };

  /** The next token has the set fetched, whatever its age. */
  expire(): void {
    this.#fetchedAt = Number.NEGATIVE_INFINITY;
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.#closing.abort();
  }

  /** One fetch for all that wait; none for a while after one that failed. */
  #refresh(): Promise<void> {
    if (this.#clock.now() - this.#failedAt < COOLDOWN_MS) return Promise.resolve();
    this.#refreshing ??= this.#set
      .reload()
      .then(
        () => this.#fetched(),
        (error: Error) => this.#failed(error),
      )
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  #fetched(): void {
    this.#fetchedAt = this.#clock.now();
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }

  #failed(error: Error): void {
    const isFirst = this.#failedAt === Number.NEGATIVE_INFINITY;
    this.#failedAt = this.#clock.now();
    if (isFirst && !this.#closing.signal.aborted) this.#onFailure(error);
  }

  async #fetch(address: string, options: { signal: AbortSignal; headers: Headers }): Promise<Response> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const response = await fetch(address, { ...options, redirect: 'manual', signal });
    return new Response(await readBounded(response), { status: response.status });
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > LARGEST_ANSWER_BYTES) throw new Error(`the key set is larger than ${LARGEST_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
