import type { RecordBlock } from '../../ring/ring-reader.ts';
import { NO_THRESHOLD } from '../../sampling/probability.ts';
import type { SpanVisitor } from '../span-visitor.ts';

/** What a record, or one message of it, says that decisions are made by. Reused. */
export interface UnitFacts {
  /** `publish`, `push`, `journal`, or the name of the span for any other. */
  operation: string;
  head: boolean;
  /** The caller's flag asked for the trace. */
  forced: boolean;
  failed: boolean;
  /** A message was dropped, or has expired. What is refused has only failed. */
  dropped: boolean;
  /** How often the message had been sent before. */
  redeliveries: number;
  /** From the first to the last time of it. */
  startedAt: number;
  endedAt: number;
  /** References; 0 where there is none. */
  client: number;
  topic: number;
  /** Of texts, where the record refers to no client and its attributes say whose it is. */
  clientId: number;
  user: number;
  address: number;
  /** By which our rate chose the trace, or NO_THRESHOLD. */
  threshold: number;
  /** Reference of the EXTRA that may have the caller's `tracestate`; 0: it came without one. */
  extra: number;
  /** The head chose the trace, and the record by which it came in, which knows more of it, is still to come. */
  awaitsEntry: boolean;
}

export function emptyFacts(): UnitFacts {
  return {
    operation: '',
    head: false,
    forced: false,
    failed: false,
    dropped: false,
    redeliveries: 0,
    startedAt: 0,
    endedAt: 0,
    client: 0,
    topic: 0,
    clientId: 0,
    user: 0,
    address: 0,
    threshold: NO_THRESHOLD,
    extra: 0,
    awaitsEntry: false,
  };
}

export function forgetTexts(facts: UnitFacts): void {
  facts.clientId = 0;
  facts.user = 0;
  facts.address = 0;
}

export const MAX_SIGNATURE = 16;

/** Two references, or a reference and flags, as one number that tells most pairs apart. */
export function likenessOf(a: number, b: number): number {
  return Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca6b);
}

/**
 * What is known of a kind of record. A record is made of units, each a part of one trace. `at` is the index of the record's
 * first word in `block.f64`.
 */
export interface Expansion {
  /**
   * Which units have a trace that the head chose. Only where all units share their facts but for that decision, and their traces have
   * no other record.
   */
  heads?(block: RecordBlock, at: number, out: number[]): void;
  units(block: RecordBlock, at: number): number;
  /** Spans of the whole record. */
  spans(block: RecordBlock, at: number): number;
  /** Spans of one unit, without what the units share. */
  unitSpans(block: RecordBlock, at: number, unit: number): number;
  /** Writes the trace id (4 words) of a unit. */
  trace(block: RecordBlock, at: number, unit: number, out: Uint32Array): void;
  facts(block: RecordBlock, at: number, unit: number, facts: UnitFacts): void;
  /**
   * Whether two units of one block say the same, but for their identity and packet identifier: `facts` and `show` tell nothing else of
   * one than of the other, but for the head's decision where `heads` has it. False where that is not known.
   */
  isAlike(block: RecordBlock, at: number, unit: number, otherAt: number, otherUnit: number): boolean;
  /** Units that are likely to say the same, but for ids, times and numbers, have the same; 32 bits. */
  likeness(block: RecordBlock, at: number, unit: number): number;
  /**
   * All that `show` tells of a unit but its identity and its packet identifier, as numbers: units of one kind with equal
   * signatures differ in nothing else. Returns how many numbers; 0: this unit has none. At most MAX_SIGNATURE.
   */
  signature(block: RecordBlock, at: number, unit: number, out: Float64Array): number;
  /**
   * Eight words as in SpanIdentity, of the first span that `show` shows; the ids of the others and of their parents are its
   * own but for the stage. Returns the unit's packet identifier, 0 where it tells of none.
   */
  identity(block: RecordBlock, at: number, unit: number, out: Uint32Array): number;
  show(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void;
  /** Spans that the units share, below this one. */
  sharedSpans(block: RecordBlock, at: number): number;
  showShared(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void;
}
