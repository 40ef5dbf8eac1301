const SECOND_MS = 1000;
/** 10^9 nanoseconds are 5^9 units of 2^9 nanoseconds: as many seconds as fit 32 bits stay exact as a double. */
const UNITS_PER_SECOND = 5 ** 9;
const NANOS_PER_UNIT = 2 ** 9;
const UNITS_PER_HIGH_WORD = 2 ** 23;
const TWO_32 = 2 ** 32;

/** Unix milliseconds with a fraction, written as nanoseconds in fixed64: exact, without an integer of 64 bits. */
export class UnixNano {
  /** The second that was asked for last: most that follow lie in it. */
  #secondMs = 0;
  #low = 0;
  #high = 0;
  /** What was written last, and as which words: messages of a batch have the same times. */
  #lastMs = Number.NaN;
  #lastLow = 0;
  #lastHigh = 0;

  /** The end of a span: a nanosecond behind its start where it is not later, since backends warn of spans that take no time. */
  writeEnd(view: DataView, at: number, startedAt: number, endedAt: number): void {
    if (endedAt > startedAt) this.write(view, at, endedAt);
    else this.write(view, at, startedAt, 1);
  }

  /** Rounds to the nearest nanosecond. From 1970 to 2106. */
  write(view: DataView, at: number, milliseconds: number, moreNanos = 0): void {
    if (milliseconds !== this.#lastMs || moreNanos !== 0) this.#convert(milliseconds, moreNanos);
    view.setUint32(at, this.#lastLow, true);
    view.setUint32(at + 4, this.#lastHigh, true);
  }

  #convert(milliseconds: number, moreNanos: number): void {
    let sinceSecondMs = milliseconds - this.#secondMs;
    if (!(sinceSecondMs >= 0 && sinceSecondMs < SECOND_MS)) {
      this.#enter(Math.floor(milliseconds / SECOND_MS));
      sinceSecondMs = milliseconds - this.#secondMs;
    }
    const low = this.#low + Math.round(sinceSecondMs * 1e6) + moreNanos;
    const carry = low >= TWO_32 ? 1 : 0;
    this.#lastMs = moreNanos === 0 ? milliseconds : Number.NaN;
    this.#lastLow = low - carry * TWO_32;
    this.#lastHigh = this.#high + carry;
  }

  #enter(second: number): void {
    const units = second * UNITS_PER_SECOND;
    this.#secondMs = second * SECOND_MS;
    this.#high = Math.floor(units / UNITS_PER_HIGH_WORD);
    this.#low = (units - this.#high * UNITS_PER_HIGH_WORD) * NANOS_PER_UNIT;
  }
}
