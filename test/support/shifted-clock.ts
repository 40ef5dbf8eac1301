import { type Clock, systemClock } from '../../src/base/clock.ts';

/** The real time, plus what the test has let pass: hours of expiry in no time. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;

  now(): number {
    return systemClock.now() + this.#shiftMs;
  }

  advanceSeconds(seconds: number): void {
    this.#shiftMs += seconds * 1000;
  }
}
