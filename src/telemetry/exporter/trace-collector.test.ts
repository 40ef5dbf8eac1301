import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DISCREET } from '../attribute-policy.ts';
import { Metrics } from '../metrics.ts';
import { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { Recording } from '../recording.ts';
import { Expander } from '../records/expand/expander.ts';
import { EntryBatch, MessageEntry, SHAPE } from '../records/message-entry.ts';
import { messageContext } from '../records/message-recorder.ts';
import { decisionOf } from '../records/push-recorder.ts';
import { CHUNK_BYTES } from '../ring/ring-memory.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { decodeExportRequest, type ReceivedSpan } from '../testing/otlp-decoder.ts';
import { CONTEXT_BYTES } from '../trace-context.ts';
import { KeptTraces } from './kept-traces.ts';
import { KeptVisitor } from './kept-visitor.ts';
import { TraceCollector } from './trace-collector.ts';
import { TraceHash } from './trace-hash.ts';
import { TraceIndex } from './trace-index.ts';
import { UnitEncoder } from './unit-encoder.ts';
import { WindowAccount } from './window-account.ts';

const RING_BYTES = 2 ** 24;
const AT = 1_790_000_000_000;
const KEPT = 1 + KEEP_REASON_INDEX.error;
/** As many parts as follow a trace unasked, and as many as are looked for. */
const MAX_PARTS = 1024;

function recordingOf(followParent: boolean): Recording {
  const options = { enabled: true, ringBytes: RING_BYTES, maxOpenSpans: 4096, rate: 0, followParent };
  return new Recording(options, new Metrics());
}

/** A ring, and who keeps the traces in which something failed. */
class Scene {
  readonly recording: Recording;
  readonly #encoder: OtlpSpanEncoder;
  readonly #account = new WindowAccount(RING_BYTES / CHUNK_BYTES);
  readonly #collector: TraceCollector;
  decisions = 0;
  observed = 0;

  /** `followParent`: what callers have sampled is kept, too. `isWatching`: each unit is decided for itself. */
  constructor({
    rememberedTraces = 1024,
    followParent = false,
    isWatching = false,
    recording = recordingOf(followParent),
  } = {}) {
    this.recording = recording;
    const resources = { broker: {}, placement: {}, journal: {} };
    const encoder = new OtlpSpanEncoder({ resources, serviceVersion: '', schemaUrl: '', maxBytes: 2 ** 24 });
    const reader = new RingReader(this.recording.ring);
    const visitor = new KeptVisitor(encoder);
    const hash = new TraceHash(this.recording.seed);
    this.#encoder = encoder;
    this.#collector = new TraceCollector({
      reader,
      expander: new Expander(reader, this.recording.seed, { cluster: 'c', brokerId: 'b' }, DISCREET),
      index: new TraceIndex(2 ** 16, hash),
      kept: new KeptTraces(rememberedTraces, hash),
      account: this.#account,
      decisions: {
        decide: ({ failed, head }) => {
          this.decisions += 1;
          return failed || head ? KEPT : 0;
        },
        isSettled: () => true,
        decideAgain: (_facts, traces) => {
          this.decisions += traces;
        },
        observe: (_facts, traces) => {
          this.observed += traces;
        },
        isWatching,
        watchedBy: () => [],
      },
      visitor,
      units: new UnitEncoder(encoder, visitor),
      onShown: () => undefined,
      listener: { wantsUnits: false, unitRead: () => undefined },
    });
  }

  /** Messages of a client that gives all of them the same context, or each one of its own. */
  publish(count: number, caller: Uint8Array | undefined, fails = false): Uint8Array[] {
    const { messages } = this.recording;
    const batch = new EntryBatch();
    const contexts = Array.from({ length: count }, () => {
      const entry = new MessageEntry();
      const context = messageContext();
      if (caller === undefined) messages.begin(entry, context);
      else messages.beginBelow(entry, context, caller);
      if (fails) messages.fail(entry.u32, 0, SHAPE.refused, 'mqtt_0x97', 'quota');
      batch.append(entry);
      return context.bytes.slice();
    });
    batch.stampAdmitted(AT);
    messages.write(batch, 0, batch.count, {
      dispatchedAt: AT,
      answeredAt: AT,
      connections: 1,
      queueDepth: 0,
      shard: 0,
    });
    return contexts;
  }

  /** The same, stored by one group commit. */
  store(count: number, caller: Uint8Array): void {
    const { messages, commits } = this.recording;
    const batch = new EntryBatch();
    const contexts = new Uint8Array(count * CONTEXT_BYTES);
    for (let index = 0; index < count; index += 1) {
      const entry = new MessageEntry();
      const context = messageContext();
      messages.beginBelow(entry, context, caller);
      contexts.set(context.bytes, index * CONTEXT_BYTES);
      batch.append(entry);
      batch.stored(index, 0);
    }
    batch.stampAdmitted(AT);
    const times = { begunAt: AT, writtenAt: AT, indexedAt: AT, committedAt: AT };
    const rest = { baseOffset: 0, bytes: 1, records: count, shard: 0, segment: 0, failure: 0 };
    const contextsAt = Array.from({ length: count }, (_, index) => index * CONTEXT_BYTES);
    commits.commit({ ...times, ...rest }, contexts, contextsAt);
    messages.write(batch, 0, count, { dispatchedAt: AT, answeredAt: AT, connections: 1, queueDepth: 0, shard: 0 });
  }

  /** A delivery of such a message. */
  push(context: Uint8Array): void {
    const { pushes } = this.recording;
    const words = messageContext();
    words.bytes.set(context);
    pushes.begin(words.words, decisionOf(context), 0, 0, 0, 0, AT);
    pushes.endStage(AT);
  }

  /** What is kept of all that was recorded since the last call. */
  kept(): ReceivedSpan[] {
    this.#collector.read(() => false);
    const { bytes, spans } = this.#encoder.takeBatch();
    assert.equal(this.#account.readSpans, this.recording.recordedSpans);
    const received = decodeExportRequest(bytes);
    assert.equal(received.length, spans);
    assert.equal(new Set(received.map(({ spanId }) => spanId)).size, spans, 'each span once');
    return received;
  }

  get undecided(): number {
    return this.#account.undecided;
  }
}

const CALLER = Uint8Array.from({ length: CONTEXT_BYTES }, (_, byte) => (byte < 24 ? byte + 1 : 1));
const publishes = (spans: readonly ReceivedSpan[]): number =>
  spans.filter(({ name }) => name === 'mqtt/publish').length;

describe('the collector of traces', () => {
  it('keeps a trace with what came of it before and what comes after', () => {
    const scene = new Scene();
    const [context] = scene.publish(1, undefined, true);
    scene.publish(5, undefined);
    scene.push(context!);
    assert.equal(publishes(scene.kept()), 1);
    scene.push(context!);
    assert.deepEqual(
      scene.kept().map(({ name }) => name),
      ['client/push'],
    );
  });

  it('hands on no part twice, though it has forgotten that the trace was kept', () => {
    const scene = new Scene({ rememberedTraces: 8 });
    const [context] = scene.publish(1, CALLER, true);
    const first = scene.kept();
    // So many others that the trace is forgotten.
    scene.publish(100, undefined, true);
    scene.kept();
    scene.publish(1, CALLER, true);
    scene.push(context!);
    const later = scene.kept();
    assert.equal(publishes(later), 1);
    assert.ok(later.every(({ spanId }) => !first.some((span) => span.spanId === spanId)));
    assert.ok(scene.undecided >= 0);
  });

  it('judges for themselves the messages of a client that gives all of them one trace id', () => {
    const scene = new Scene();
    scene.publish(1, CALLER, true);
    assert.equal(publishes(scene.kept()), 1);
    scene.publish(5 * MAX_PARTS, CALLER);
    assert.equal(publishes(scene.kept()), MAX_PARTS);
    scene.publish(1, CALLER, true);
    assert.equal(publishes(scene.kept()), 1);
    assert.ok(scene.decisions >= 4 * MAX_PARTS);
  });

  it('keeps what the journal did for each of them, too, where their client asks for all of them', () => {
    const scene = new Scene({ followParent: true });
    const MESSAGES = 3 * MAX_PARTS;
    for (let stored = 0; stored < MESSAGES; stored += MAX_PARTS / 8) scene.store(MAX_PARTS / 8, CALLER);
    const spans = scene.kept();
    assert.equal(publishes(spans), MESSAGES);
    assert.equal(spans.filter(({ name }) => name === 'journal/write').length, MESSAGES);
  });

  it('says of units that are alike what it says of each', () => {
    const caller = fc.constantFrom(undefined, CALLER);
    const step = fc.oneof(
      fc.record({
        type: fc.constant('publish' as const),
        count: fc.nat(5),
        caller,
        fails: fc.constantFrom(false, false, true),
      }),
      fc.record({ type: fc.constant('store' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ type: fc.constant('push' as const), of: fc.nat(), times: fc.nat(4) }),
      fc.record({ type: fc.constant('read' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const scene = new Scene({ followParent: true });
        const oneByOne = new Scene({ isWatching: true, recording: scene.recording });
        const contexts: Uint8Array[] = [];
        const compare = (): void => {
          assert.deepEqual(scene.kept(), oneByOne.kept());
          assert.deepEqual([scene.decisions, scene.observed], [oneByOne.decisions, oneByOne.observed]);
        };
        for (const step of steps) {
          if (step.type === 'publish') contexts.push(...scene.publish(step.count, step.caller, step.fails));
          else if (step.type === 'store') scene.store(step.count, CALLER);
          else if (step.type === 'read') compare();
          else if (contexts.length > 0)
            for (let push = 0; push < step.times; push += 1) scene.push(contexts[(step.of + push) % contexts.length]!);
        }
        compare();
      }),
      { numRuns: 60 },
    );
  });

  it('looks back at the newest parts of such a trace, and not at all of them', () => {
    const scene = new Scene();
    scene.publish(5 * MAX_PARTS, CALLER);
    assert.equal(scene.kept().length, 0);
    scene.publish(1, CALLER, true);
    const spans = scene.kept();
    assert.equal(publishes(spans), MAX_PARTS + 1);
    assert.equal(spans.filter(({ status }) => status.code === 'error').length > 0, true);
  });
});
