import type { RecordBlock } from '../../ring/ring-reader.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import type { Expansion, UnitFacts } from './expansion.ts';
import type { SemanticVisitor } from './semantic-visitor.ts';

/** An expansion whose spans are shown with what the catalogue adds to them, and without what the policy leaves out. */
export class SemanticExpansion implements Expansion {
  readonly #inner: Expansion;
  readonly #semantics: SemanticVisitor;

  constructor(inner: Expansion, semantics: SemanticVisitor) {
    this.#inner = inner;
    this.#semantics = semantics;
  }

  get isUniform(): boolean {
    return this.#inner.heads !== undefined;
  }

  heads(block: RecordBlock, at: number, out: number[]): void {
    this.#inner.heads?.(block, at, out);
  }

  units(block: RecordBlock, at: number): number {
    return this.#inner.units(block, at);
  }

  spans(block: RecordBlock, at: number): number {
    return this.#inner.spans(block, at);
  }

  unitSpans(block: RecordBlock, at: number, unit: number): number {
    return this.#inner.unitSpans(block, at, unit);
  }

  sharedSpans(block: RecordBlock, at: number): number {
    return this.#inner.sharedSpans(block, at);
  }

  trace(block: RecordBlock, at: number, unit: number, out: Uint32Array): void {
    this.#inner.trace(block, at, unit, out);
  }

  facts(block: RecordBlock, at: number, unit: number, facts: UnitFacts): void {
    this.#inner.facts(block, at, unit, facts);
  }

  isAlike(block: RecordBlock, at: number, unit: number, otherAt: number, otherUnit: number): boolean {
    return this.#inner.isAlike(block, at, unit, otherAt, otherUnit);
  }

  likeness(block: RecordBlock, at: number, unit: number): number {
    return this.#inner.likeness(block, at, unit);
  }

  signature(block: RecordBlock, at: number, unit: number, out: Float64Array): number {
    return this.#inner.signature(block, at, unit, out);
  }

  identity(block: RecordBlock, at: number, unit: number, out: Uint32Array): number {
    return this.#inner.identity(block, at, unit, out);
  }

  /** Shows a unit as its record has it. */
  showRecorded(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    this.#inner.show(block, at, unit, visitor);
  }

  /** Adds to what a record has what `show` adds. Good until something else is shown. */
  adding(visitor: SpanVisitor): SpanVisitor {
    return this.#semantics.onto(visitor);
  }

  show(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    this.#inner.show(block, at, unit, this.#semantics.onto(visitor));
  }

  showShared(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    this.#inner.showShared(block, at, unit, this.#semantics.onto(visitor));
  }
}
