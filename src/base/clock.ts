/**
 * Time comes in as an argument everywhere, so that tests own it.
 * One number serves both purposes: Unix time in milliseconds with a fraction (about 0.25 µs fine), never running backwards.
 */
export interface Clock {
  /** Unix time in milliseconds, fractional, monotonic within the process. */
  now(): number;
}

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
};
