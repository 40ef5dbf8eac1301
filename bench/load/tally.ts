import { LatencyHistogram } from '../measure/latency-histogram.ts';

/** What all publishers and subscribers of a run count together. */
export class Tally {
  delivered = 0;
  /** Numbers skipped in a stream: dropped by the broker, or overtaken. */
  lost = 0;
  /** Numbers seen again or too late. */
  repeated = 0;
  /** Acknowledgements of nothing, messages of the wrong quality of service or of nobody's stream. */
  stray = 0;
  readonly latency = new LatencyHistogram();
  private failure: Error | undefined;

  fail(error: Error): void {
    this.failure ??= error;
  }

  /** Throws what went wrong with a connection since the start, if anything did. */
  assertAlive(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Throws when the broker broke a promise: order always, delivery when it acknowledged. */
  assertKept(qos: number): void {
    this.assertAlive();
    const broken = [
      this.repeated > 0 ? `${this.repeated} messages repeated or out of order` : '',
      this.stray > 0 ? `${this.stray} stray packets` : '',
      this.lost > 0 && qos > 0 ? `${this.lost} messages lost or not acknowledged` : '',
    ].filter((sentence) => sentence !== '');
    if (broken.length > 0) throw new Error(broken.join(', '));
  }
}
