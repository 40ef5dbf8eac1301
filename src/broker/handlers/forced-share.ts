import { TokenBucket } from '../../base/token-bucket.ts';

/** Of what all clients of a listener may have, so much is each client's own, however many others ask. */
const SHARE = 0.01;
/** So much of the bucket is left to clients that stay within their share. */
const RESERVED = 0.5;

/**
 * One client's way to the bucket of its listener. What nobody else asks for it may have, down to a reserve; from there on it
 * has its share. So a client that asks for all there is gets what is left over, and who asks for little finds something.
 */
export class ForcedShare extends TokenBucket {
  readonly #all: TokenBucket;
  readonly #reserve: number;

  /** `perSecond`: of `all`, at least 1. `now`: Unix milliseconds. */
  constructor(all: TokenBucket, perSecond: number, now: number) {
    super(Math.max(1, perSecond * SHARE), now);
    this.#all = all;
    this.#reserve = perSecond * RESERVED;
  }

  override take(now: number): boolean {
    if (!this.#all.has(now)) return false;
    return (super.take(now) || this.#all.has(now, this.#reserve + 1)) && this.#all.take(now);
  }
}
