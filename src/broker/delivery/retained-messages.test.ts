import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, Metrics } from '../../telemetry/metrics.ts';
import { Topic } from '../router/topic.ts';
import { Message } from './message.ts';
import { RetainedMessages, type RetainedStore } from './retained-messages.ts';

const NOW = 1_700_000_000_000;
const LIMITS = { maximumCount: 100, maximumPayload: 0 };

/** Keeps what is written when the test lets a write end. */
class Store implements RetainedStore {
  readonly kept = new Map<string, Uint8Array>();
  readonly writes: string[][] = [];
  readonly #verdicts: ((failure?: Error) => void)[] = [];

  async *load() {
    for (const [topic, value] of this.kept) yield { topic, value };
  }

  async write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    this.writes.push([...changes.keys()]);
    const failure = await new Promise<Error | undefined>((resolve) => this.#verdicts.push(resolve));
    if (failure !== undefined) throw failure;
    for (const [topic, value] of changes) {
      if (value === undefined) this.kept.delete(topic);
      else this.kept.set(topic, value);
    }
  }

  /** Ends the write that is under way. */
  async end(failure?: Error): Promise<void> {
    this.#verdicts.shift()!(failure);
    await nextTurn();
  }
}

function open(maximumCount = 100, maximumPayload = 0) {
  const store = new Store();
  const metrics = new Metrics();
  const failures: unknown[] = [];
  const retained = new RetainedMessages(store, metrics, { maximumCount, maximumPayload }, (error) =>
    failures.push(error),
  );
  return { store, metrics, failures, retained };
}

const topicOf = (name: string) => new Topic(Buffer.from(name), () => undefined) as Message['topic'];

function message(topic: string, text: string, fields: Partial<Message> = {}): Message {
  const payload = Buffer.from(text);
  return Object.assign(new Message(), {
    ...{ topic: topicOf(topic), retain: true, payload, payloadEnd: payload.length, receivedAt: NOW },
    ...fields,
  });
}

function textOf(retained: RetainedMessages, topic: string, now = NOW): string | undefined {
  const read = new Message();
  if (retained.read(topicOf(topic), read, now) !== 'kept') return undefined;
  return Buffer.from(read.payload.subarray(read.payloadStart, read.payloadEnd)).toString();
}

describe('retained messages', () => {
  it('are the last of each topic [MQTT-3.3.1-5], found by filter', () => {
    const { retained } = open();
    for (const [topic, text] of Object.entries({ 'a/b': 'old', 'a/c': 'other', d: 'apart' }))
      retained.keep(message(topic, text));
    retained.keep(message('a/b', 'new'));
    assert.deepEqual([...retained.matching('a/+')].sort(), ['a/b', 'a/c']);
    assert.deepEqual([textOf(retained, 'a/b'), textOf(retained, 'a/c'), retained.count], ['new', 'other', 3]);
    assert.equal(textOf(retained, 'nothing'), undefined);
  });

  it('keep QoS, time and expiry with the payload', () => {
    const { retained } = open();
    retained.keep(message('a', 'x', { qos: 2, expirySeconds: 60 }));
    const read = new Message();
    assert.ok(retained.read(topicOf('a'), read, NOW + 10_000));
    assert.deepEqual([read.qos, read.retain, read.receivedAt, read.expirySeconds], [2, true, NOW, 50]);
  });

  it('go with an empty payload [MQTT-3.3.1-6] [MQTT-3.3.1-7]', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'x'));
    retained.keep(message('a', ''));
    retained.keep(message('never', ''));
    assert.deepEqual([retained.count, textOf(retained, 'a')], [0, undefined]);
    const durable = retained.durable();
    await store.end();
    await durable;
    assert.deepEqual([store.writes, store.kept.size], [[['a']], 0]);
  });

  it('go when they have expired', () => {
    const { retained } = open();
    retained.keep(message('a', 'x', { expirySeconds: 10 }));
    assert.equal(textOf(retained, 'a', NOW + 9000), 'x');
    assert.equal(textOf(retained, 'a', NOW + 10_000), undefined);
    assert.equal(retained.count, 0);
  });

  it('beyond the limit are not kept and counted; a topic that has one may change it', () => {
    const { retained, metrics } = open(1);
    retained.keep(message('a', 'one'));
    retained.keep(message('b', 'refused'));
    retained.keep(message('a', 'two'));
    assert.deepEqual([textOf(retained, 'a'), textOf(retained, 'b')], ['two', undefined]);
    assert.equal(metrics.value(counterId(METRICS.limitsHitTotal, 'retained_messages')), 1);
    assert.equal(metrics.value(counterId(METRICS.messagesDroppedTotal, 'quota')), 1);
  });

  it('larger than the limit are not kept, nor is what they would have replaced', () => {
    const { retained, metrics } = open(100, 3);
    retained.keep(message('a', 'old'));
    retained.keep(message('a', 'long'));
    retained.keep(message('b', 'long'));
    assert.deepEqual([textOf(retained, 'a'), textOf(retained, 'b'), retained.count], [undefined, undefined, 0]);
    assert.equal(metrics.value(counterId(METRICS.limitsHitTotal, 'retained_size')), 2);
    assert.equal(metrics.value(counterId(METRICS.limitsHitTotal, 'retained_messages')), 0);
  });

  it('that live in memory only are found like others, and neither counted, nor limited, nor stored', async () => {
    const { retained, store } = open(1, 1);
    retained.keepInMemory(message('$SYS/a', 'one'));
    retained.keepInMemory(message('$SYS/a', 'another'));
    retained.keep(message('a', 'x'));
    const durable = retained.durable();
    await store.end();
    await durable;
    assert.deepEqual([retained.count, store.writes], [1, [['a']]]);
    assert.deepEqual([...retained.matching('$SYS/#')], ['$SYS/a']);
    assert.deepEqual([...retained.matching('#')], ['a']);
    assert.equal(textOf(retained, '$SYS/a'), 'another');
  });

  it('are measured by what they take', () => {
    const { retained } = open();
    assert.equal(retained.bytes, 0);
    retained.keep(message('a', 'x'));
    const one = retained.bytes;
    assert.ok(one > 0);
    retained.keep(message('a', 'xyz'));
    assert.equal(retained.bytes, one + 2);
    retained.keep(message('b', 'x'));
    retained.keep(message('a', ''));
    assert.equal(retained.bytes, one);
    retained.keepInMemory(message('$SYS/a', 'x'));
    assert.equal(retained.bytes, one);
  });

  it('are the same after a restart, and still know their place in a shard that survived', async () => {
    const { retained, store } = open();
    retained.keep(message('a/b', 'kept', { qos: 1, shard: 1, offset: 40 }));
    retained.keep(message('a/c', 'volatile', { qos: 1, shard: 2, offset: 50 }));
    const durable = retained.durable();
    await store.end();
    await durable;
    const after = new RetainedMessages(store, new Metrics(), LIMITS, () => assert.fail());
    await after.load((shard) => shard === 1);
    const read = new Message();
    assert.ok(after.read(topicOf('a/b'), read, NOW));
    assert.deepEqual([read.shard, read.offset], [1, 40]);
    assert.ok(after.read(topicOf('a/c'), read, NOW));
    assert.deepEqual([read.shard, textOf(after, 'a/c')], [0, 'volatile']);
  });
});

describe('writing retained messages', () => {
  it('takes the newest of each topic, and all topics of a turn at once', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'old'));
    retained.keep(message('b', 'x'));
    retained.keep(message('a', 'new'));
    assert.deepEqual(store.writes, []);
    await nextTurn();
    assert.deepEqual(store.writes, [['a', 'b']]);
    await store.end();
  });

  it('goes on with what came while a write was under way, though nobody waits for it', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'x'));
    await nextTurn();
    retained.keep(message('b', 'x'));
    await store.end();
    await nextTurn();
    assert.deepEqual(store.writes, [['a'], ['b']]);
    await store.end();
    assert.deepEqual([...store.kept.keys()], ['a', 'b']);
  });

  it('is waited for by whoever asks, to the end of what was noted until then', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'x'));
    await nextTurn();
    retained.keep(message('b', 'x'));
    let isDurable = false;
    const durable = retained.durable().then(() => {
      isDurable = true;
    });
    await store.end();
    assert.equal(isDurable, false);
    await store.end();
    await durable;
  });

  it('that fails is told to those who wait for it, and tried again with the next', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'x'));
    const durable = retained.durable();
    await Promise.all([assert.rejects(durable, /full/), store.end(new Error('full'))]);
    const again = retained.durable();
    await store.end();
    await again;
    assert.deepEqual(store.writes, [['a'], ['a']]);
    assert.deepEqual([...store.kept.keys()], ['a']);
  });

  it('that fails behind everybody is told once', async () => {
    const { retained, store, failures } = open();
    retained.keep(message('a', 'x'));
    await nextTurn();
    await store.end(new Error('full'));
    assert.equal(failures.length, 1);
  });

  it('of one is not failed by the write of another before it', async () => {
    const { retained, store, failures } = open();
    retained.keep(message('a', 'x'));
    await nextTurn();
    retained.keep(message('b', 'x'));
    const durable = retained.durable();
    await store.end(new Error('full'));
    await store.end();
    await durable;
    assert.deepEqual([...store.kept.keys()].sort(), ['a', 'b']);
    assert.equal(failures.length, 1);
  });

  it('does not bring back, when it failed, what was changed since', async () => {
    const { retained, store } = open();
    retained.keep(message('a', 'old'));
    await nextTurn();
    retained.keep(message('a', 'new'));
    const durable = retained.durable();
    await store.end(new Error('full'));
    await store.end();
    await durable;
    const after = new RetainedMessages(store, new Metrics(), LIMITS, () => assert.fail());
    await after.load(() => true);
    assert.equal(textOf(after, 'a'), 'new');
  });
});
