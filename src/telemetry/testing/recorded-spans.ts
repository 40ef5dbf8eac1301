import { DISCREET } from '../attribute-policy.ts';
import type { FinishedSpan } from '../finished-span.ts';
import type { Recording } from '../recording.ts';
import type { BrokerIdentity } from '../records/expand/common-attributes.ts';
import { Expander } from '../records/expand/expander.ts';
import { FinishedSpanBuilder } from '../records/finished-span-builder.ts';
import { RingReader } from '../ring/ring-reader.ts';

/** Reads what was recorded, all of it, for tests that look at spans. */
export class RecordedSpans {
  readonly #reader: RingReader;
  readonly #expander: Expander;
  readonly #builder = new FinishedSpanBuilder();
  readonly #spans: FinishedSpan[] = [];

  constructor(recording: Recording, identity: BrokerIdentity) {
    this.#reader = new RingReader(recording.ring);
    this.#expander = new Expander(this.#reader, recording.seed, identity, { ...DISCREET, userName: 'plain' });
  }

  /** Everything that has ended so far, in the order in which it was written. */
  get all(): readonly FinishedSpan[] {
    for (let at = this.#reader.next(); at >= 0; at = this.#reader.next()) {
      const { block } = this.#reader;
      const expansion = this.#expander.of(block, at);
      const units = expansion?.units(block, at) ?? 0;
      for (let unit = 0; unit < units; unit += 1) expansion!.show(block, at, unit, this.#builder);
      if (units > 0 && expansion!.sharedSpans(block, at) > 0) expansion!.showShared(block, at, 0, this.#builder);
      this.#spans.push(...this.#builder.take());
      this.#reader.advance(expansion?.spans(block, at) ?? 0);
    }
    return this.#spans;
  }
}
