import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { metric, until } from '../chaos/support/metric.ts';
import { Restartable } from '../chaos/support/restartable.ts';
import { publishTree } from '../e2e/traces/support/publish-tree.ts';
import { namesIn, treeOf } from '../e2e/traces/support/span-tree.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { assertFromCatalogue } from './support/against-catalogue.ts';
import { Backends, skip } from './support/backends.ts';
import type { Collector } from './support/collector.ts';
import type { StoredSpan } from './support/otlp-json.ts';

const MESSAGES = 100;
const AWAY_MS = 3000;
const TOPIC = 'traced';

/** A client that publishes to itself; every message is answered and delivered, whatever becomes of its trace. */
async function exchange(client: RawClient, from: number): Promise<void> {
  for (let number = from; number < from + MESSAGES; number += 1) {
    assert((await client.publish(TOPIC, String(number), { qos: 1 })) < 0x80);
    assert.equal(payloadOf(await client.receive()), String(number));
  }
}

/** What was sent twice, because the Collector took it and died before it could say so, is the same span. */
function once(spans: readonly StoredSpan[]): StoredSpan[] {
  const byId = new Map<string, StoredSpan>();
  for (const span of spans) {
    const same = byId.get(span.spanId);
    if (same !== undefined) assert.deepEqual(span, same);
    byId.set(span.spanId, span);
  }
  return [...byId.values()];
}

/** The trace of each of the messages is there, and whole. */
async function assertAllArrive(backends: Backends, broker: Restartable, count: number): Promise<void> {
  const { adminUrl } = broker.process;
  const waiting = async () =>
    (await metric(adminUrl, 'robustmq_export_queue_spans')) + (await metric(adminUrl, 'robustmq_export_spool_spans'));
  await until('nothing waits for the Collector', async () => (await waiting()) === 0);
  assert.equal(await metric(adminUrl, 'robustmq_spans_dropped_total'), 0);
  await broker.process.kill('SIGTERM');
  const isThere = (stored: readonly StoredSpan[], name: string) =>
    stored.filter((span) => span.name === name).length >= count;
  const names = namesIn(publishTree(1, 1));
  const arrived = await backends.allOnce(`${count} traces`, (stored) => names.every((name) => isThere(stored, name)));
  const spans = once(arrived);
  assertFromCatalogue(spans);
  const traces = [...Map.groupBy(spans, ({ traceId }) => traceId).values()];
  const published = traces.filter((trace) => trace.some(({ name }) => name === 'mqtt/publish'));
  assert.equal(published.length, count);
  for (const trace of published) assert.deepEqual(treeOf(trace), publishTree(1, 1));
}

const ABSENCES: Readonly<
  Record<string, readonly [leave: (it: Collector) => unknown, comeBack: (it: Collector) => unknown]>
> = {
  'is killed and started again': [(collector) => collector.kill(), (collector) => collector.start()],
  'hangs, and goes on': [(collector) => collector.suspend(), (collector) => collector.resume()],
};

/** What is not answered is given up soon. */
const ENVIRONMENT = { OTEL_EXPORTER_OTLP_TIMEOUT: '1000' };

async function connect(broker: Restartable): Promise<RawClient> {
  const client = await RawClient.connect({ port: broker.port, clientId: 'steady' });
  await client.subscribe({ filter: TOPIC, qos: 1 });
  return client;
}

for (const protocol of ['grpc', 'http'] as const)
  describe(`over ${protocol}, no message notices and no trace is lost when the Collector`, () => {
    for (const [what, [leave, comeBack]] of Object.entries(ABSENCES))
      it(what, { skip }, async () => {
        await using backends = await Backends.start();
        await using broker = await Restartable.start(backends.settings(protocol), ENVIRONMENT);
        await using client = await connect(broker);
        await exchange(client, 0);
        await leave(backends.collector);
        await exchange(client, MESSAGES);
        await sleep(AWAY_MS);
        await comeBack(backends.collector);
        await exchange(client, 2 * MESSAGES);
        await assertAllArrive(backends, broker, 3 * MESSAGES);
      });

    it('is not there when the broker starts', { skip }, async () => {
      await using backends = await Backends.withoutCollector();
      await using broker = await Restartable.start(backends.settings(protocol), ENVIRONMENT);
      await using client = await connect(broker);
      await exchange(client, 0);
      await sleep(AWAY_MS);
      await backends.collector.start();
      await exchange(client, MESSAGES);
      await assertAllArrive(backends, broker, 2 * MESSAGES);
    });

    it('is away while the broker stops and starts again', { skip }, async () => {
      await using backends = await Backends.withoutCollector();
      await using broker = await Restartable.start(backends.settings(protocol), ENVIRONMENT);
      await using before = await connect(broker);
      await exchange(before, 0);
      await before.disconnect();
      assert.equal((await broker.process.kill('SIGTERM')).code, 0);
      await broker.start();
      await using after = await connect(broker);
      await exchange(after, MESSAGES);
      await backends.collector.start();
      await assertAllArrive(backends, broker, 2 * MESSAGES);
    });
  });
