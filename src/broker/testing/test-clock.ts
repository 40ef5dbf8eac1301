import type { Clock } from '../../base/clock.ts';

/** A clock that stands still until the test moves it. */
export class TestClock implements Clock {
  #now = 1_700_000_000_000;

  now(): number {
    return this.#now;
  }

  advanceSeconds(seconds: number): void {
    this.#now += seconds * 1000;
  }
}
