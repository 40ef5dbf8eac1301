import type { Clock } from '../base/clock.ts';
import type { LogEventDefinition } from './catalogue.ts';

interface Second {
  startedAt: number;
  lines: number;
  leftOut: number;
}

/** How many lines of an event may be written, second by second. */
export class LogBudget {
  readonly #clock: Clock;
  /** By number of the event; of those that have a limit. */
  readonly #seconds: (Second | undefined)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For one line: how many were left out since the last that was written, or that this is one too many as well. */
  spend({ id, perSecond }: LogEventDefinition): number | 'too_many' {
    if (perSecond === undefined) return 0;
    const now = this.#clock.now();
    const second = this.#seconds[id] ?? { startedAt: now, lines: 0, leftOut: 0 };
    this.#seconds[id] = second;
    if (now - second.startedAt >= 1000) {
      second.startedAt = now;
      second.lines = 0;
    }
    if (second.lines >= perSecond) {
      second.leftOut += 1;
      return 'too_many';
    }
    second.lines += 1;
    const { leftOut } = second;
    second.leftOut = 0;
    return leftOut;
  }
}
