import { ATTRIBUTES, SPANS } from '../../catalogue.ts';
import type { RecordBlock } from '../../ring/ring-reader.ts';
import { NO_THRESHOLD } from '../../sampling/probability.ts';
import { MAX_LINKS } from '../../span-limits.ts';
import { FORCED_FLAG, SAMPLED_FLAG } from '../../trace-context.ts';
import { COMMIT, COMMIT_ENTRY_WORDS, COMMIT_HEADER_WORDS, HAS_COMMIT_SPAN, spansOfCommit } from '../commit-recorder.ts';
import { STAGE } from '../record-kinds.ts';
import type { SpanVisitor } from '../span-visitor.ts';
import { withStage } from '../trace-ids.ts';
import { showFailure } from './entries.ts';
import { type Expansion, forgetTexts, likenessOf, type UnitFacts } from './expansion.ts';
import { ShownIdentity } from './identity.ts';
import { type RecordSource, slice } from './record-source.ts';

const APPEND = slice('append');

/** COMMIT records: the journal's part of the traces of stored messages, and the commit that they shared. */
export class CommitExpansion implements Expansion {
  readonly #source: RecordSource;
  readonly #identity = new ShownIdentity();
  readonly #link = new Uint32Array(6);

  constructor(source: RecordSource) {
    this.#source = source;
  }

  units({ u32 }: RecordBlock, at: number): number {
    return u32[at * 2 + 1]!;
  }

  spans({ u32 }: RecordBlock, at: number): number {
    const half = at * 2;
    return spansOfCommit(u32[half + 1]!, u32[half + COMMIT.flags]!, u32[half + COMMIT.extra] !== 0);
  }

  unitSpans({ u32 }: RecordBlock, at: number): number {
    return spansOfCommit(1, 0, u32[at * 2 + COMMIT.extra] !== 0);
  }

  sharedSpans({ u32 }: RecordBlock, at: number): number {
    return (u32[at * 2 + COMMIT.flags]! & HAS_COMMIT_SPAN) === 0 ? 0 : 1;
  }

  trace({ u32 }: RecordBlock, at: number, unit: number, out: Uint32Array): void {
    const half = entryAt(at, unit) * 2;
    for (let index = 0; index < 4; index += 1) out[index] = u32[half + index]!;
  }

  facts({ u32, f64 }: RecordBlock, at: number, unit: number, facts: UnitFacts): void {
    facts.operation = 'journal';
    const flags = flagsOf(u32[entryAt(at, unit) * 2 + 5]!);
    facts.head = (flags & SAMPLED_FLAG) !== 0;
    facts.forced = (flags & FORCED_FLAG) !== 0;
    facts.failed = u32[at * 2 + COMMIT.extra] !== 0;
    facts.dropped = false;
    facts.redeliveries = 0;
    facts.startedAt = f64[at + COMMIT.begunAt]!;
    facts.endedAt = f64[at + COMMIT.committedAt]!;
    facts.client = 0;
    forgetTexts(facts);
    facts.topic = 0;
    facts.threshold = NO_THRESHOLD;
    facts.extra = 0;
    facts.awaitsEntry = facts.head;
  }

  isAlike({ u32 }: RecordBlock, at: number, unit: number, otherAt: number, otherUnit: number): boolean {
    const flags = flagsOf(u32[entryAt(at, unit) * 2 + 5]!);
    return at === otherAt && flags === flagsOf(u32[entryAt(at, otherUnit) * 2 + 5]!);
  }

  likeness({ u32 }: RecordBlock, at: number): number {
    return likenessOf(u32[at * 2 + COMMIT.shard]!, u32[at * 2 + COMMIT.segment]!);
  }

  /** The span of a commit is its own, also where it is not shown. */
  signature({ u32 }: RecordBlock, at: number, _unit: number, out: Float64Array): number {
    if (u32[at * 2 + COMMIT.extra] !== 0) return 0;
    out[0] = u32[at * 2 + COMMIT.span]!;
    out[1] = u32[at * 2 + COMMIT.span + 1]!;
    return 2;
  }

  identity({ u32 }: RecordBlock, at: number, unit: number, out: Uint32Array): number {
    const half = entryAt(at, unit) * 2;
    for (let word = 0; word < 5; word += 1) out[word] = u32[half + word]!;
    const last = u32[half + 5]!;
    out[5] = withStage(last, STAGE.write);
    out[6] = out[4]!;
    out[7] = withStage(last, STAGE.persist);
    return 0;
  }

  show(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const half = at * 2;
    const identity = this.#identity;
    const begunAt = f64[at + COMMIT.begunAt]!;
    const writtenAt = f64[at + COMMIT.writtenAt]!;
    const committedAt = f64[at + COMMIT.committedAt]!;
    const shard = this.#source.text(u32[half + COMMIT.shard]!);
    const isFailed = u32[half + COMMIT.extra] !== 0;
    identity.take(u32, entryAt(at, unit) * 2);
    identity.stage(STAGE.write, STAGE.persist);
    identity.isParentRemote = true;
    visitor.begin(SPANS.journalWrite, identity, begunAt, committedAt);
    visitor.text(ATTRIBUTES.journalShard, shard);
    if (isFailed) showFailure(this.#source, u32[half + COMMIT.extra]!, visitor);
    visitor.end();
    if (!isFailed) {
      identity.stage(STAGE.append, STAGE.write);
      visitor.begin(SPANS.segmentAppend, identity, begunAt, writtenAt);
      visitor.end();
      identity.stage(STAGE.index, STAGE.write);
      visitor.begin(SPANS.indexUpdate, identity, writtenAt, f64[at + COMMIT.indexedAt]!);
      visitor.end();
    }
    identity.stage(STAGE.storage, STAGE.write);
    visitor.begin(SPANS.storageJournalWrite, identity, begunAt, committedAt);
    visitor.text(ATTRIBUTES.storageOperation, APPEND);
    visitor.number(ATTRIBUTES.storageDataSize, u32[half + COMMIT.bytes]!);
    if (isFailed) showFailure(this.#source, u32[half + COMMIT.extra]!, visitor);
    else {
      visitor.text(ATTRIBUTES.storageSegmentId, this.#source.text(u32[half + COMMIT.segment]!));
      visitor.number(ATTRIBUTES.storageOffset, f64[at + COMMIT.baseOffset]!);
    }
    visitor.number(ATTRIBUTES.storageSuccess, isFailed ? 0 : 1);
    visitor.end();
  }

  /** One commit for all: below the first of its messages that is kept, linked to each that it carried. */
  showShared(block: RecordBlock, at: number, unit: number, visitor: SpanVisitor): void {
    const { u32, f64 } = block;
    const half = at * 2;
    const count = this.units(block, at);
    const { words } = this.#identity;
    this.#identity.take(u32, entryAt(at, unit) * 2);
    words[6] = words[4]!;
    words[7] = withStage(words[5]!, STAGE.persist);
    words[4] = u32[half + COMMIT.span]!;
    words[5] = withStage(u32[half + COMMIT.span + 1]!, STAGE.commit);
    this.#identity.isParentRemote = true;
    visitor.begin(SPANS.journalCommit, this.#identity, f64[at + COMMIT.begunAt]!, f64[at + COMMIT.committedAt]!);
    visitor.text(ATTRIBUTES.journalShard, this.#source.text(u32[half + COMMIT.shard]!));
    visitor.number(ATTRIBUTES.journalBatchRecords, u32[half + COMMIT.records]!);
    visitor.number(ATTRIBUTES.linkedMessages, count);
    for (let index = 0; index < count && index < MAX_LINKS; index += 1) {
      const entry = entryAt(at, index) * 2;
      for (let word = 0; word < 6; word += 1) this.#link[word] = u32[entry + word]!;
      const isChosen = (flagsOf(this.#link[5]!) & SAMPLED_FLAG) !== 0;
      this.#link[5] = withStage(this.#link[5]!, STAGE.publish);
      visitor.link(this.#link, isChosen);
    }
    visitor.end();
  }
}

/** Those of the message's context, in the last byte of its span id. */
function flagsOf(word: number): number {
  return word >>> 24;
}

function entryAt(at: number, unit: number): number {
  return at + COMMIT_HEADER_WORDS + unit * COMMIT_ENTRY_WORDS;
}
