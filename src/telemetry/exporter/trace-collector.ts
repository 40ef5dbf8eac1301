import type { Expander } from '../records/expand/expander.ts';
import { emptyFacts, type UnitFacts } from '../records/expand/expansion.ts';
import type { SemanticExpansion } from '../records/expand/semantic-expansion.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import { ownBlock, type RecordBlock, type RingReader } from '../ring/ring-reader.ts';
import { NO_THRESHOLD } from '../sampling/probability.ts';
import type { KeptTraces } from './kept-traces.ts';
import type { KeptVisitor } from './kept-visitor.ts';
import { LastUnit } from './last-unit.ts';
import { type TraceIndex, TracePlaces } from './trace-index.ts';
import { TraceStates } from './trace-states.ts';
import type { UnitEncoder } from './unit-encoder.ts';
import type { WindowAccount } from './window-account.ts';

/** Index of a reason in KEEP_REASONS plus one; 0: the trace is not kept. */
export type Reason = number;

/** About what was just read, and how many traces it stands for. `trace`: its id, where the record is one of several. */
export interface Decisions {
  decide(facts: UnitFacts, traces: number, trace: Uint32Array | undefined): Reason;
  /** Whether the decision goes for whatever has the same facts. */
  isSettled(reason: Reason): boolean;
  /** As many more of which it went. */
  decideAgain(facts: UnitFacts, traces: number, reason: Reason): void;
  /** There is nothing to decide about so many traces. */
  observe(facts: UnitFacts, traces: number, trace: Uint32Array | undefined): void;
  /** Whether each trace is to be told of, by its id. */
  readonly isWatching: boolean;
  /** Ids of the watch rules that fitted what was decided or observed last. */
  watchedBy(): readonly string[];
}

/** Is told of each unit that was read, whatever becomes of it. */
export interface UnitListener {
  /**
   * `trace`: words of the id; `watchedBy`: ids of the watch rules that it fits. Cheap to be asked for all: `wantsUnits` says
   * whether anybody listens.
   */
  unitRead(facts: UnitFacts, position: number, unit: number, trace: Uint32Array, watchedBy: readonly string[]): void;
  readonly wantsUnits: boolean;
}

const COMMITS_REMEMBERED = 65_536;
/** Of one trace: what is looked for beyond these is the oldest. A trace of one message has a few for each subscriber. */
const MAX_PARTS = 1024;
/** Worth remembering instead of copying it again. */
const LARGE_WORDS = 64;

/**
 * Reads the ring and decides trace by trace. A trace that is kept is shown to the visitor with all its parts that still lie in the
 * ring, and so is what comes later of it; everything else stays in the ring until it is written over.
 */
export class TraceCollector {
  readonly #reader: RingReader;
  readonly #expander: Expander;
  readonly #index: TraceIndex;
  readonly #kept: KeptTraces;
  readonly #account: WindowAccount;
  readonly #decisions: Decisions;
  readonly #visitor: KeptVisitor;
  readonly #units: UnitEncoder;
  readonly #onShown: () => void;
  readonly #listener: UnitListener;
  readonly #states: TraceStates;
  readonly #facts = emptyFacts();
  readonly #trace = new Uint32Array(4);
  readonly #other = new Uint32Array(4);
  readonly #commitsShown = new Set<number>();
  /** The large record that was looked at last: the messages of a batch have parts in the same. */
  #largePosition = -1;
  #largeBlock: RecordBlock | undefined;
  readonly #places = new TracePlaces(MAX_PARTS);
  /** Units of the run at hand that the head chose. */
  readonly #heads: number[] = [];
  readonly #last = new LastUnit();
  /** About the units alike that are being read, once it has been asked for and as far as it goes for all of them. */
  #settled: Reason | undefined;
  /** How many of them have not been told of: decided by what is settled, and observed. */
  #decidedAlike = 0;
  #observedAlike = 0;

  constructor(parts: {
    reader: RingReader;
    expander: Expander;
    index: TraceIndex;
    kept: KeptTraces;
    account: WindowAccount;
    decisions: Decisions;
    visitor: KeptVisitor;
    /** Of what is shown to the visitor. */
    units: UnitEncoder;
    /** After each unit. */
    onShown: () => void;
    listener: UnitListener;
  }) {
    this.#reader = parts.reader;
    this.#expander = parts.expander;
    this.#states = new TraceStates(parts.expander.source);
    this.#index = parts.index;
    this.#kept = parts.kept;
    this.#account = parts.account;
    this.#decisions = parts.decisions;
    this.#visitor = parts.visitor;
    this.#units = parts.units;
    this.#onShown = parts.onShown;
    this.#listener = parts.listener;
  }

  /** Reads until nothing is left or `isEnough`, which is asked after each record. Returns whether something is left. */
  read(isEnough: () => boolean): boolean {
    for (let at = this.#reader.next(); at >= 0; at = this.#reader.next()) {
      const { block } = this.#reader;
      const expansion = this.#expander.of(block, at);
      if (expansion === undefined) {
        this.#reader.advance(0);
        continue;
      }
      const { position } = this.#reader;
      const spans = expansion.spans(block, at);
      this.#account.read(position, spans);
      if (expansion.isUniform) this.#readRun(expansion, block, at, position);
      else this.#readUnits(expansion, block, at, position);
      this.#reader.advance(spans);
      if (isEnough()) break;
    }
    this.#endAlike();
    this.#account.forget(this.#reader.oldest);
    return this.#reader.lagWords > 0;
  }

  /** All units of a run share everything but the head's decision, and no other record belongs to their traces. */
  #readRun(expansion: SemanticExpansion, block: RecordBlock, at: number, position: number): void {
    this.#endAlike();
    const facts = this.#facts;
    const heads = this.#heads;
    const units = expansion.units(block, at);
    expansion.heads(block, at, heads);
    expansion.facts(block, at, 0, facts);
    facts.head = true;
    const headReason = heads.length === 0 ? 0 : this.#decisions.decide(facts, heads.length, undefined);
    const headsWatchedBy = this.#decisions.watchedBy();
    facts.head = false;
    const reason = heads.length === units ? 0 : this.#decisions.decide(facts, units - heads.length, undefined);
    const watchedBy = this.#decisions.watchedBy();
    if (reason === 0 && !this.#listener.wantsUnits) {
      if (headReason !== 0)
        for (const unit of heads) this.#readOfRun(expansion, block, at, unit, position, headReason, headsWatchedBy);
      return;
    }
    let nextHead = 0;
    for (let unit = 0; unit < units; unit += 1) {
      const isHead = heads[nextHead] === unit;
      if (isHead) nextHead += 1;
      const own = isHead ? headReason : reason;
      this.#readOfRun(expansion, block, at, unit, position, own, isHead ? headsWatchedBy : watchedBy);
    }
  }

  #readOfRun(
    expansion: SemanticExpansion,
    block: RecordBlock,
    at: number,
    unit: number,
    position: number,
    reason: Reason,
    watchedBy: readonly string[],
  ): void {
    expansion.facts(block, at, unit, this.#facts);
    expansion.trace(block, at, unit, this.#trace);
    if (this.#listener.wantsUnits) this.#listener.unitRead(this.#facts, position, unit, this.#trace, watchedBy);
    if (reason === 0) return;
    this.#visitor.state = this.#states.of(this.#facts, reason);
    this.#show(expansion, block, at, unit, position, reason);
  }

  #readUnits(expansion: SemanticExpansion, block: RecordBlock, at: number, position: number): void {
    const facts = this.#facts;
    const units = expansion.units(block, at);
    const { wantsUnits } = this.#listener;
    const isEachTold = wantsUnits || this.#decisions.isWatching;
    for (let unit = 0; unit < units; unit += 1) {
      expansion.trace(block, at, unit, this.#trace);
      if (!this.#last.isAlike(expansion, block, at, unit)) {
        this.#endAlike();
        expansion.facts(block, at, unit, facts);
      }
      this.#last.is(expansion, block, at, unit);
      const known = this.#kept.find(this.#trace);
      const reason = this.#reasonOf(known);
      if (isEachTold) this.#endAlike();
      if (wantsUnits) this.#listener.unitRead(facts, position, unit, this.#trace, this.#decisions.watchedBy());
      if (reason !== 0) {
        this.#visitor.state = this.#stateOf(facts, reason, known);
        if (known < 0) this.#keep(reason);
        this.#show(expansion, block, at, unit, position, reason);
      }
      // What was handed on is found too, by who asks for the whole trace.
      this.#index.add(this.#trace, position, unit, reason !== 0);
    }
  }

  /** Of the unit at hand. A part of a trace that was kept follows it, unless these are so many that no message has them. */
  #reasonOf(known: number): Reason {
    if (known >= 0 && this.#kept.follow(known)) {
      this.#observedAlike += 1;
      return this.#kept.reason(known);
    }
    // A trace that was kept has come in already: there is nothing to wait for.
    if (known < 0 && this.#facts.awaitsEntry) {
      this.#observedAlike += 1;
      return 0;
    }
    if (this.#settled !== undefined) {
      this.#decidedAlike += 1;
      return this.#settled;
    }
    const reason = this.#decisions.decide(this.#facts, 1, this.#trace);
    if (this.#decisions.isSettled(reason)) this.#settled = reason;
    return reason;
  }

  /** What comes next may differ from the units read since the last call: these are told of. */
  #endAlike(): void {
    this.#last.forget();
    if (this.#observedAlike > 0) this.#decisions.observe(this.#facts, this.#observedAlike, this.#trace);
    if (this.#decidedAlike > 0) this.#decisions.decideAgain(this.#facts, this.#decidedAlike, this.#settled!);
    this.#settled = undefined;
    this.#observedAlike = 0;
    this.#decidedAlike = 0;
  }

  /** What a record knows of it goes before what is remembered of the trace: a caller's may have many messages. */
  #stateOf(facts: UnitFacts, reason: Reason, known: number): TextSlice {
    const knowsItself = facts.threshold !== NO_THRESHOLD || facts.extra !== 0;
    if (knowsItself || known < 0) return this.#states.of(facts, reason);
    return this.#kept.state(known);
  }

  /** The trace is kept from now on: what came before of it is shown, as far as it is still there and has not been. */
  #keep(reason: Reason): void {
    const { positions, units, nodes } = this.#places;
    this.#kept.add(this.#trace, reason, this.#visitor.state, this.#facts.extra === 0);
    this.#index.find(this.#trace, this.#places, 'waiting');
    for (let index = this.#places.count - 1; index >= 0; index -= 1) {
      const block = this.#partAt(positions[index]!, units[index]!, this.#trace);
      if (block === undefined) continue;
      this.#show(this.#expander.of(block, 0)!, block, 0, units[index]!, positions[index]!, reason);
      this.#index.shown(nodes[index]!);
    }
  }

  /** Calls back with each part of the trace that lies in the ring and is not of a run, oldest first. */
  eachPart(trace: Uint32Array, visit: (block: RecordBlock, unit: number) => void): void {
    const { positions, units } = this.#places;
    this.#index.find(trace, this.#places, 'all');
    for (let index = this.#places.count - 1; index >= 0; index -= 1) {
      const block = this.#partAt(positions[index]!, units[index]!, trace);
      if (block !== undefined) visit(block, units[index]!);
    }
  }

  /** The record at a place, if it is still there and the unit is of that trace. */
  #partAt(position: number, unit: number, trace: Uint32Array): RecordBlock | undefined {
    const block = this.#blockAt(position);
    const expansion = block && this.#expander.of(block, 0);
    if (block === undefined || expansion === undefined || unit >= expansion.units(block, 0)) return undefined;
    expansion.trace(block, 0, unit, this.#other);
    return isSame(this.#other, trace) ? block : undefined;
  }

  /** A copy of its own, since what it refers to is copied too; undefined where it is written over. */
  #blockAt(position: number): RecordBlock | undefined {
    if (position === this.#largePosition && position >= this.#reader.oldest) return this.#largeBlock;
    if (!this.#reader.copy(position)) return undefined;
    const block = ownBlock(this.#reader.copied);
    if (block.f64.length >= LARGE_WORDS) {
      this.#largePosition = position;
      this.#largeBlock = block;
    }
    return block;
  }

  #show(
    expansion: SemanticExpansion,
    block: RecordBlock,
    at: number,
    unit: number,
    position: number,
    reason: Reason,
  ): void {
    this.#visitor.reason = reason;
    this.#units.show(expansion, block, at, unit);
    let spans = expansion.unitSpans(block, at, unit);
    if (expansion.sharedSpans(block, at) > 0 && this.#isFirstOf(position)) {
      expansion.showShared(block, at, unit, this.#visitor);
      spans += expansion.sharedSpans(block, at);
    }
    this.#account.handed(position, spans);
    this.#onShown();
  }

  #isFirstOf(position: number): boolean {
    if (this.#commitsShown.has(position)) return false;
    if (this.#commitsShown.size >= COMMITS_REMEMBERED) this.#forgetOldCommits();
    this.#commitsShown.add(position);
    return true;
  }

  #forgetOldCommits(): void {
    const { oldest } = this.#reader;
    for (const position of this.#commitsShown) if (position < oldest) this.#commitsShown.delete(position);
    // With a ring so large that all are still there, the oldest may be shown twice.
    if (this.#commitsShown.size >= COMMITS_REMEMBERED) this.#commitsShown.clear();
  }
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}
