import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TracedClient } from '../../base/traced-client.ts';
import { DISCREET } from '../attribute-policy.ts';
import { Metrics } from '../metrics.ts';
import { OtlpSpanEncoder } from '../otlp/span-encoder.ts';
import { Recording } from '../recording.ts';
import { Expander } from '../records/expand/expander.ts';
import { slice } from '../records/expand/record-source.ts';
import { ENTRY, EntryBatch, FLAG, MessageEntry, QOS_SHIFT, SHAPE } from '../records/message-entry.ts';
import { messageContext } from '../records/message-recorder.ts';
import { PUSH_FLAG } from '../records/push-record.ts';
import { decisionOf } from '../records/push-recorder.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { decodeFields } from '../testing/otlp-decoder.ts';
import { CONTEXT_BYTES } from '../trace-context.ts';
import { KeptVisitor } from './kept-visitor.ts';
import { UnitEncoder } from './unit-encoder.ts';

/** Small numbers, so that units often say the same. */
const few = fc.nat(2);
const AT = 1_790_000_000_000;
const STATES = ['', 'ot=th:c', 'vendor=1'].map(slice);

const client = (number: number): TracedClient => ({
  clientId: `client-${number}`,
  sessionNumber: number,
  remoteAddress: '127.0.0.1',
  remotePort: 50_000 + number,
  userName: number === 0 ? '' : 'somebody',
  authMethod: 'password',
  tracePosition: 0,
});

/** One thing several times, then things that differ from it in one field each, with itself in between. */
function similar<Value extends object>(one: fc.Arbitrary<Value>, maxChanges: number): fc.Arbitrary<Value[]> {
  return fc
    .tuple(one, one, fc.array(fc.nat(20), { maxLength: maxChanges }), fc.integer({ min: 1, max: 5 }))
    .map(([base, other, changes, times]) => {
      const keys = Object.keys(base) as (keyof Value)[];
      const changed = changes.map((change) => keys[change % keys.length]!);
      const likeIt = changed.flatMap((key) => [{ ...base, [key]: other[key] }, base]);
      return [...new Array<Value>(times).fill(base), ...likeIt];
    });
}

const run = fc.record({
  type: fc.constant('run' as const),
  publisher: few,
  messages: similar(fc.record({ topic: few, bytes: few }), 3),
  pushes: fc.array(fc.record({ client: few, isDropped: fc.boolean() }), { maxLength: 40 }),
  receivedAt: few,
  admittedAt: few,
  pushedAt: few,
  connections: few,
});
const entry = fc.record({
  publisher: few,
  topic: few,
  rule: few,
  bytes: few,
  packetId: fc.integer({ min: 1, max: 65_535 }),
  qos: fc.constantFrom(1, 2),
  caller: few,
  matched: few,
  at: few,
  isRefused: fc.constantFrom(false, false, false, true),
});
const stored = fc.record({
  type: fc.constant('stored' as const),
  admittedAt: few,
  begunAt: few,
  writtenAt: few,
  dispatchedAt: few,
  answeredAt: few,
  shard: few,
  connections: few,
  queueDepth: few,
  isCommitted: fc.constantFrom(true, true, true, false),
  entries: similar(entry, 6),
});
const push = fc.record({
  type: fc.constant('push' as const),
  begunAt: few,
  pushedAt: few,
  receivedAt: few,
  endedAt: few,
  subscriber: few,
  topic: few,
  qos: few,
  flags: fc.constantFrom(0, 0, PUSH_FLAG.late, PUSH_FLAG.redelivered | PUSH_FLAG.late),
  waitedMs: few,
  packetId: fc.integer({ min: 1, max: 65_535 }),
  end: fc.constantFrom('pushed', 'acknowledged', 'received', 'refused', 'disconnected', 'dropped'),
});
const rest = fc.record({
  type: fc.constant('rest' as const),
  begunAt: few,
  pushedAt: few,
  count: fc.integer({ min: 1, max: 4 }),
  failures: few,
});
type Step =
  | (typeof run extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof stored extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof push extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof rest extends fc.Arbitrary<infer Value> ? Value : never);
const similarSteps = fc.oneof(
  similar<Step>(run, 3),
  similar<Step>(stored, 3),
  similar<Step>(push, 6),
  similar<Step>(rest, 3),
);
const steps = fc.array(similarSteps, { minLength: 1, maxLength: 4 }).map((groups) => groups.flat());

/** Records what a broker would. */
class Scene {
  readonly recording = new Recording(
    { enabled: true, ringBytes: 2 ** 22, maxOpenSpans: 4096, rate: 1, followParent: true },
    new Metrics(),
  );
  readonly #clients = [0, 1, 2].map(client);
  readonly #topics = ['a', 'a/b', 'temperature/of/the/boiler'].map((name) => ({
    slot: { tracePosition: 0 },
    bytes: Buffer.from(name),
  }));

  play(what: Step): void {
    if (what.type === 'run') this.#run(what);
    else if (what.type === 'stored') this.#stored(what);
    else if (what.type === 'push') this.#push(what);
    else this.#rest(what);
  }

  #topic(number: number): number {
    const { slot, bytes } = this.#topics[number]!;
    return this.recording.texts.ofBytes(slot, bytes);
  }

  #run({ publisher, messages, pushes, ...stage }: Extract<Step, { type: 'run' }>): void {
    const { runs, clients, texts } = this.recording;
    for (const { topic, bytes } of messages) runs.message(this.#topic(topic), bytes);
    for (const { client: to, isDropped } of pushes) runs.pushed(clients.of(this.#clients[to]!), isDropped);
    runs.finish({
      receivedAt: AT + stage.receivedAt,
      admittedAt: AT + stage.admittedAt,
      pushedAt: AT + stage.pushedAt,
      client: clients.of(this.#clients[publisher]!),
      rule: texts.of('everybody'),
      connections: stage.connections,
      threshold: 0,
      matched: pushes.length,
    });
  }

  #stored({ shard, connections, queueDepth, isCommitted, entries, ...at }: Extract<Step, { type: 'stored' }>): void {
    const { messages, commits, clients, texts } = this.recording;
    const batch = new EntryBatch();
    const contexts = new Uint8Array(entries.length * CONTEXT_BYTES);
    const context = messageContext();
    for (const [index, each] of entries.entries()) {
      const entry = new MessageEntry();
      const caller = Uint8Array.from({ length: CONTEXT_BYTES }, (_, byte) => index + byte + 1);
      if (each.caller === 0) messages.beginBelow(entry, context, caller);
      else messages.begin(entry, context);
      entry.u32[ENTRY.client] = clients.of(this.#clients[each.publisher]!);
      entry.u32[ENTRY.topic] = this.#topic(each.topic);
      entry.u32[ENTRY.rule] = texts.of(`rule ${each.rule}`);
      entry.u32[ENTRY.payloadBytes] = each.bytes;
      entry.u32[ENTRY.flags]! |= each.packetId | (each.qos << QOS_SHIFT) | FLAG.cached;
      entry.f64[ENTRY.receivedAt] = AT + each.at;
      contexts.set(context.bytes, index * CONTEXT_BYTES);
      if (each.isRefused) messages.fail(entry.u32, 0, SHAPE.refused, 'mqtt_0x97', 'no room');
      batch.append(entry);
      if (!each.isRefused) batch.stored(index, each.matched);
    }
    batch.stampAdmitted(AT + at.admittedAt);
    const reference = texts.of(`shard ${shard}`);
    const [begunAt, writtenAt] = [AT + at.begunAt, AT + at.writtenAt];
    const times = { begunAt, writtenAt, indexedAt: writtenAt + 1, committedAt: writtenAt + 2 };
    const size = { baseOffset: 2 ** 40 + at.begunAt, bytes: 300, records: entries.length };
    const failure = isCommitted ? 0 : messages.failure('disk', 'the disk is full');
    commits.commit(
      { ...times, ...size, shard: reference, segment: reference, failure },
      contexts,
      entries.map((_, index) => index * CONTEXT_BYTES),
    );
    const [dispatchedAt, answeredAt] = [AT + at.dispatchedAt, AT + at.answeredAt];
    messages.write(batch, 0, batch.count, { dispatchedAt, answeredAt, connections, queueDepth, shard: reference });
  }

  #push({ subscriber, qos, flags, packetId, end, ...push }: Extract<Step, { type: 'push' }>): void {
    const { pushes, messages, clients } = this.recording;
    const context = messageContext();
    messages.begin(new MessageEntry(), context);
    const topic = flags === 0 ? 0 : this.#topic(push.topic);
    const all = flags | decisionOf(context.bytes);
    const to = clients.of(this.#clients[subscriber]!);
    const handle = pushes.begin(context.words, all, qos, to, topic, 0, AT + push.begunAt);
    pushes.waited(handle, push.waitedMs);
    if (end === 'dropped') pushes.dropped(handle, PUSH_FLAG.droppedQueueFull);
    else if (end !== 'pushed') pushes.sent(handle, packetId);
    pushes.endStage(AT + push.pushedAt);
    if (end === 'disconnected') pushes.disconnected(handle, AT + push.endedAt);
    if (end === 'received') pushes.received(handle, AT + push.receivedAt);
    if (end === 'acknowledged' || end === 'received') pushes.acknowledged(handle, 0, AT + push.endedAt);
    if (end === 'refused') pushes.acknowledged(handle, 0x97, AT + push.endedAt);
    pushes.endAcknowledged();
  }

  #rest({ begunAt, pushedAt, count, failures }: Extract<Step, { type: 'rest' }>): void {
    const { pushes, messages } = this.recording;
    const context = messageContext();
    messages.begin(new MessageEntry(), context);
    const flags = PUSH_FLAG.rest | decisionOf(context.bytes);
    const handle = pushes.begin(context.words, flags, 0, 0, 0, 0, AT + begunAt);
    for (let each = 0; each < count; each += 1) pushes.counted(handle, each < failures);
    pushes.endStage(AT + pushedAt);
  }
}

function newEncoder(maxBytes = 2 ** 24): OtlpSpanEncoder {
  const resources = { broker: {}, placement: {}, journal: {} };
  return new OtlpSpanEncoder({ resources, serviceVersion: '', schemaUrl: '', maxBytes });
}

/** Counts the spans that are shown and not copied. */
class CountingVisitor extends KeptVisitor {
  shown = 0;

  override begin(...span: Parameters<KeptVisitor['begin']>): void {
    this.shown += 1;
    super.begin(...span);
  }
}

type Show = (expander: Expander, reader: RingReader, at: number, unit: number) => void;

/** Goes through all that was recorded; every few units are kept for another reason. */
function encode({ recording }: Scene, kept: KeptVisitor, isHashed: boolean, show: Show): void {
  const reader = new RingReader(recording.ring);
  const policy = isHashed
    ? { ...DISCREET, clientId: 'hash' as const, userName: 'hash' as const, hashKey: 'key' }
    : DISCREET;
  const expander = new Expander(reader, recording.seed, { cluster: 'c', brokerId: 'b' }, policy);
  let shown = 0;
  for (let at = reader.next(); at >= 0; at = reader.next()) {
    const expansion = expander.of(reader.block, at);
    const units = expansion?.units(reader.block, at) ?? 0;
    for (let unit = 0; unit < units; unit += 1, shown += 1) {
      kept.reason = 1 + (shown % 100 < 90 ? KEEP_REASON_INDEX.head : KEEP_REASON_INDEX.slow);
      kept.state = STATES[shown % 80 < 70 ? 0 : shown % 3]!;
      show(expander, reader, at, unit);
    }
    reader.advance(0);
  }
}

describe('UnitEncoder', () => {
  it('makes of units that are copied what it would make of them if each were shown', () => {
    let copied = 0;
    fc.assert(
      fc.property(steps, fc.boolean(), (played, isHashed) => {
        const scene = new Scene();
        for (const what of played) scene.play(what);
        const plain = newEncoder();
        const plainKept = new KeptVisitor(plain);
        encode(scene, plainKept, isHashed, (expander, { block }, at, unit) => {
          expander.of(block, at)!.show(block, at, unit, plainKept);
        });
        const encoder = newEncoder();
        const kept = new CountingVisitor(encoder);
        const units = new UnitEncoder(encoder, kept);
        encode(scene, kept, isHashed, (expander, { block }, at, unit) =>
          units.show(expander.of(block, at)!, block, at, unit),
        );
        const [expected, actual] = [plain.takeBatch(), encoder.takeBatch()];
        assert.deepEqual(decodeFields(actual.bytes), decodeFields(expected.bytes));
        assert.deepEqual([actual.spans, actual.traces], [expected.spans, expected.traces]);
        copied += actual.spans - kept.shown;
      }),
      { numRuns: 300 },
    );
    assert.ok(copied > 1000, `${copied} spans were copied`);
  });

  it('refuses copies that do not fit as a whole, and counts their spans', () => {
    const scene = new Scene();
    const messages = Array.from({ length: 100 }, () => ({ topic: 2, bytes: 1 }));
    for (let time = 0; time < 10; time += 1)
      scene.play({
        type: 'run',
        publisher: 0,
        messages,
        pushes: [{ client: 1, isDropped: false }],
        receivedAt: 0,
        admittedAt: 1,
        pushedAt: 2,
        connections: 2,
      });
    const encoder = newEncoder(65_536);
    const kept = new KeptVisitor(encoder);
    const units = new UnitEncoder(encoder, kept);
    encode(scene, kept, false, (expander, { block }, at, unit) => units.show(expander.of(block, at)!, block, at, unit));
    const batch = encoder.takeBatch();
    assert.ok(batch.refused > 0 && batch.spans > 0);
    assert.equal(batch.spans + batch.refused, 5 * 1000);
    assert.equal(JSON.stringify(decodeFields(batch.bytes)).split('"traceId"').length - 1, batch.spans);
  });
});
