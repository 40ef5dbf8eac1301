import type { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { TemplateCapture } from '../otlp/template-capture.ts';
import { TemplateReplay } from '../otlp/template-replay.ts';
import { IDENTITY_WORDS } from '../otlp/template-section.ts';
import { MAX_CALLS, type UnitTemplate } from '../otlp/unit-template.ts';
import { UnixNano } from '../otlp/unix-nano.ts';
import { MAX_SIGNATURE } from '../records/expand/expansion.ts';
import { EMPTY_TEXT } from '../records/expand/record-source.ts';
import type { SemanticExpansion } from '../records/expand/semantic-expansion.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import type { RecordBlock } from '../ring/ring-reader.ts';
import type { KeptVisitor } from './kept-visitor.ts';
import { LastUnit } from './last-unit.ts';

const SLOTS = 1024;
/** Templates larger than this together are forgotten, all of them. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Making a template costs some ten times what showing a unit does: no more are made than this many without use. */
const MAX_CREDIT = 8;
/** After that, one for so many units. */
const UNITS_A_CREDIT = 64;

/** Units of one likeness. */
interface Slot {
  likeness: number;
  template: UnitTemplate | undefined;
  /** Why the template's units are kept, and their `tracestate`: both are in its bytes. */
  reason: number;
  state: TextSlice;
  /** By call: 1 where its number has been seen to vary. */
  readonly varies: Uint8Array;
  credit: number;
  refused: number;
  /** The unit whose bytes the template has now. */
  readonly last: LastUnit;
  /** Its signature; length 0: it has none. */
  readonly signature: Float64Array;
  signatureLength: number;
}

/**
 * Encodes units that are kept. One that says the same as another before it, but for ids, times and numbers, is a copy of its
 * bytes with these written over; anything else is shown to the encoder.
 */
export class UnitEncoder {
  readonly #kept: KeptVisitor;
  readonly #capture: TemplateCapture;
  readonly #replay = new TemplateReplay();
  readonly #time = new UnixNano();
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOTS).fill(undefined);
  readonly #signature = new Float64Array(MAX_SIGNATURE);
  readonly #identity = new Uint32Array(IDENTITY_WORDS);
  #bytes = 0;

  constructor(encoder: OtlpSpanEncoder, kept: KeptVisitor) {
    this.#kept = kept;
    this.#capture = new TemplateCapture(encoder);
  }

  show(expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): void {
    const likeness = expansion.likeness(block, at, unit);
    const index = (likeness ^ (likeness >>> 15)) & (SLOTS - 1);
    const slot = this.#slots[index];
    if (slot?.likeness !== likeness) {
      // Worth a template when it comes again.
      this.#begin(index, likeness);
      expansion.show(block, at, unit, this.#kept);
    } else if (!this.#repeat(slot, expansion, block, at, unit)) this.#learn(slot, expansion, block, at, unit);
  }

  #begin(index: number, likeness: number): void {
    this.#slots[index] ??= newSlot();
    const slot = this.#slots[index];
    this.#bytes -= slot.template?.bytes ?? 0;
    slot.likeness = likeness;
    slot.template = undefined;
    slot.varies.fill(0);
    slot.credit = MAX_CREDIT;
    slot.refused = 0;
  }

  #repeat(slot: Slot, expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): boolean {
    const { template, reason, state } = slot;
    if (template === undefined || reason !== this.#kept.reason || state !== this.#kept.state) return false;
    // A unit that says the same as the one before it need not even be shown.
    const isNext = slot.last.isAlike(expansion, block, at, unit) || this.#isSigned(slot, expansion, block, at, unit);
    if (!isNext || !template.follow(this.#identity, expansion.identity(block, at, unit, this.#identity))) {
      const replay = this.#replay;
      expansion.showRecorded(block, at, unit, replay.start(template));
      if (!replay.isRepeated) {
        replay.learn(slot.varies);
        return false;
      }
      template.patch(this.#time);
      slot.signatureLength = expansion.signature(block, at, unit, slot.signature);
      // Those that only follow take as long, and are no better examples.
      const { words, times } = template.details;
      if (template.entry !== undefined) this.#kept.entryRepeated(template.entry, words, times[0]!, times[1]!);
    }
    slot.last.is(expansion, block, at, unit);
    template.append();
    if (slot.credit < MAX_CREDIT) slot.credit += 1;
    return true;
  }

  #isSigned(slot: Slot, expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): boolean {
    const length = expansion.signature(block, at, unit, this.#signature);
    if (length === 0 || length !== slot.signatureLength) return false;
    for (let index = 0; index < length; index += 1) if (slot.signature[index] !== this.#signature[index]) return false;
    return true;
  }

  /** Shows the unit, and makes a template of it unless that has been in vain too often. */
  #learn(slot: Slot, expansion: SemanticExpansion, block: RecordBlock, at: number, unit: number): void {
    if (slot.credit === 0) {
      expansion.show(block, at, unit, this.#kept);
      slot.refused += 1;
      if (slot.refused % UNITS_A_CREDIT === 0) slot.credit = 1;
      return;
    }
    slot.credit -= 1;
    expansion.showRecorded(block, at, unit, this.#capture.start(expansion.adding(this.#kept), slot.varies));
    this.#bytes -= slot.template?.bytes ?? 0;
    slot.template = this.#capture.finish();
    slot.signatureLength = 0;
    slot.last.forget();
    this.#bytes += slot.template?.bytes ?? 0;
    slot.reason = this.#kept.reason;
    slot.state = this.#kept.state;
    if (this.#bytes > MAX_BYTES) this.#forget();
  }

  #forget(): void {
    this.#slots.fill(undefined);
    this.#bytes = 0;
  }
}

function newSlot(): Slot {
  return {
    likeness: 0,
    template: undefined,
    reason: 0,
    state: EMPTY_TEXT,
    varies: new Uint8Array(MAX_CALLS),
    credit: 0,
    refused: 0,
    last: new LastUnit(),
    signature: new Float64Array(MAX_SIGNATURE),
    signatureLength: 0,
  };
}
