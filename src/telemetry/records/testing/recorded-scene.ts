import fc from 'fast-check';
import type { TracedClient } from '../../../base/traced-client.ts';
import { Metrics } from '../../metrics.ts';
import { Recording } from '../../recording.ts';
import { CONTEXT_BYTES } from '../../trace-context.ts';
import { ENTRY, EntryBatch, FLAG, MessageEntry, QOS_SHIFT, SHAPE } from '../message-entry.ts';
import { messageContext } from '../message-recorder.ts';
import { PUSH_FLAG } from '../push-record.ts';
import { decisionOf } from '../push-recorder.ts';

/** Small numbers, so that units often say the same. */
const few = fc.nat(2);
const AT = 1_790_000_000_000;

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
  admittedAfter: few,
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
export type RecordedStep =
  | (typeof run extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof stored extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof push extends fc.Arbitrary<infer Value> ? Value : never)
  | (typeof rest extends fc.Arbitrary<infer Value> ? Value : never);
const similarSteps = fc.oneof(
  similar<RecordedStep>(run, 3),
  similar<RecordedStep>(stored, 3),
  similar<RecordedStep>(push, 6),
  similar<RecordedStep>(rest, 3),
);
/** What happens in a broker, much of it several times. */
export const arbitrarySteps = fc.array(similarSteps, { minLength: 1, maxLength: 4 }).map((groups) => groups.flat());

/** Records what a broker would. */
export class RecordedScene {
  readonly recording = new Recording(
    { enabled: true, ringBytes: 2 ** 22, maxOpenSpans: 4096, rate: 1, followParent: true },
    new Metrics(),
  );
  readonly #clients = [0, 1, 2].map(client);
  readonly #topics = ['a', 'a/b', 'temperature/of/the/boiler'].map((name) => ({
    slot: { tracePosition: 0 },
    bytes: Buffer.from(name),
  }));

  play(what: RecordedStep): void {
    if (what.type === 'run') this.#run(what);
    else if (what.type === 'stored') this.#stored(what);
    else if (what.type === 'push') this.#push(what);
    else this.#rest(what);
  }

  #topic(number: number): number {
    const { slot, bytes } = this.#topics[number]!;
    return this.recording.texts.ofBytes(slot, bytes);
  }

  #run({ publisher, messages, pushes, ...stage }: Extract<RecordedStep, { type: 'run' }>): void {
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

  #stored({
    shard,
    connections,
    queueDepth,
    isCommitted,
    entries,
    ...at
  }: Extract<RecordedStep, { type: 'stored' }>): void {
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
      batch.stampAdmitted(AT + at.admittedAt + each.admittedAfter);
    }
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

  #push({ subscriber, qos, flags, packetId, end, ...push }: Extract<RecordedStep, { type: 'push' }>): void {
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

  #rest({ begunAt, pushedAt, count, failures }: Extract<RecordedStep, { type: 'rest' }>): void {
    const { pushes, messages } = this.recording;
    const context = messageContext();
    messages.begin(new MessageEntry(), context);
    const flags = PUSH_FLAG.rest | decisionOf(context.bytes);
    const handle = pushes.begin(context.words, flags, 0, 0, 0, 0, AT + begunAt);
    for (let each = 0; each < count; each += 1) pushes.counted(handle, each < failures);
    pushes.endStage(AT + pushedAt);
  }
}
