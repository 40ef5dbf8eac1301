import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Qos } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { metric, until } from '../chaos/support/metric.ts';
import { publishTree } from '../e2e/traces/support/publish-tree.ts';
import { treeOf } from '../e2e/traces/support/span-tree.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { type ConnectOptions, RawClient } from '../support/raw-client.ts';
import { TestDirectory } from '../support/test-settings.ts';
import { assertFromCatalogue } from './support/against-catalogue.ts';
import { AnsweringClient, type Manner } from './support/answering-client.ts';
import { Backends, skip } from './support/backends.ts';
import type { StoredSpan } from './support/otlp-json.ts';

const MESSAGES = 100_000;
const RATE = 0.01;
/** One in a thousand. */
const EXCEPTIONS = MESSAGES / 1000;
/** Ordinary messages that are on their way at once, from each publisher. */
const WINDOW = 50;
const TOPICS = 100;
const SMALL_PACKET_BYTES = 128;
/** Beyond `telemetry.sampling.slow_threshold_ms`. */
const LATE_MS = 1500;

const QOS: readonly Qos[] = [0, 1, 2];

/** A way in which a message can be out of the ordinary: how often, at which QoS, and what its trace shows then. */
interface Exception {
  readonly name: string;
  readonly qos: readonly Qos[];
  readonly payload?: string;
  readonly tree: (qos: Qos) => readonly string[];
  readonly failure?: string;
}

const EXCEPTION_KINDS: readonly Exception[] = [
  {
    name: 'forbidden',
    qos: QOS,
    tree: () => [
      'mqtt/publish server robustmq-broker',
      '  auth/validate internal robustmq-broker',
      '  topic/authorize internal robustmq-broker',
    ],
    failure: 'not_authorized',
  },
  {
    name: 'large',
    qos: QOS,
    payload: 'x'.repeat(2 * SMALL_PACKET_BYTES),
    tree: (qos) => publishTree(qos, 0),
    failure: 'dropped',
  },
  { name: 'rejected', qos: [1], tree: () => publishTree(1, 1), failure: 'mqtt_0x97' },
  { name: 'late', qos: [1, 2], tree: (qos) => publishTree(qos, qos) },
];

interface ExceptionalMessage {
  readonly kind: Exception;
  readonly qos: Qos;
  readonly topic: string;
  /** Of a caller that did not choose its trace, which hides nothing; empty: the trace begins here. */
  readonly traceparent: string;
}

/** All kinds in turn, each with its QoS in turn, with and without a caller's context. */
const EXCEPTIONAL: readonly ExceptionalMessage[] = Array.from({ length: EXCEPTIONS }, (_, index) => {
  const kind = EXCEPTION_KINDS[index % EXCEPTION_KINDS.length]!;
  const turn = Math.floor(index / EXCEPTION_KINDS.length);
  const traceId = index.toString(16).padStart(32, 'e');
  return {
    kind,
    qos: kind.qos[turn % kind.qos.length]!,
    topic: `${kind.name}/${index}`,
    traceparent: Math.floor(turn / 6) % 2 === 0 ? '' : `00-${traceId}-00f067aa0ba902b7-00`,
  };
});

const RULES = `
[[authorization.rules]]
permission = "deny"
action = "publish"
topics = ["forbidden/#"]
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["#"]
`;

/** `count` messages of mixed QoS, and after every so many of them one of the others, until these are all sent. */
async function publishOrdinary(client: RawClient, count: number, exception: () => void): Promise<void> {
  const between = (count / EXCEPTIONAL.length) * 2;
  for (let sent = 0; sent < count; sent += WINDOW) {
    if (sent % between < WINDOW) exception();
    await Promise.all(
      Array.from({ length: WINDOW }, (_, index) => {
        const number = sent + index;
        return client.publish(`ordinary/${client.version}/${number % TOPICS}`, 'hello', { qos: QOS[number % 3]! });
      }),
    );
  }
}

/** A batch's commit is in the trace of its first message only, which may be one that was not kept. */
const withoutCommit = (tree: readonly string[]) => tree.filter((line) => !line.includes('journal/commit'));

function tracesByTopic(spans: readonly StoredSpan[]): Map<string, StoredSpan[]> {
  const byId = Map.groupBy(spans, ({ traceId }) => traceId);
  const roots = spans.filter(({ name }) => name === 'mqtt/publish');
  return new Map(
    [...Map.groupBy(roots, ({ attributes }) => String(attributes['mqtt.topic']))].map(([topic, ofTopic]) => [
      topic,
      ofTopic.flatMap(({ traceId }) => byId.get(traceId)!),
    ]),
  );
}

/** What is wrong with the trace of this message, if anything is. */
function problemOf({ kind, qos, topic }: ExceptionalMessage, trace: readonly StoredSpan[] | undefined): string[] {
  const title = `${topic} at QoS ${qos}`;
  if (trace === undefined) return [`${title}: not kept`];
  const tree = withoutCommit(treeOf(trace)).join('\n');
  if (tree !== withoutCommit(kind.tree(qos)).join('\n')) return [`${title}: not complete:\n${tree}`];
  const failures = new Set(trace.flatMap(({ attributes }) => attributes['error.type'] ?? []));
  return [...failures].join() === (kind.failure ?? '') ? [] : [`${title}: failed with ${[...failures].join()}`];
}

/** Publishes everything, and settles when every message has been answered to the end. */
async function publishAll(port: number): Promise<void> {
  const subscribed = (clientId: string, filter: string, manner: Manner = {}, options: Partial<ConnectOptions> = {}) =>
    AnsweringClient.subscribed({ port, clientId, ...options }, filter, manner);
  await using old = await subscribed('reader-4', 'ordinary/4/#', {}, { protocolVersion: 4 });
  await using recent = await subscribed('reader-5', 'ordinary/5/#');
  await using rejecter = await subscribed('rejecter', 'rejected/#', { reasonCode: ReasonCode.quotaExceeded });
  await using late = await subscribed('late', 'late/#', { delayMs: LATE_MS });
  await using _small = await subscribed(
    'small',
    'large/#',
    {},
    { properties: { maximumPacketSize: SMALL_PACKET_BYTES } },
  );

  await using first = await RawClient.connect({ port, protocolVersion: 4, clientId: 'first' });
  await using second = await RawClient.connect({ port, clientId: 'second' });
  await using other = await RawClient.connect({ port, clientId: 'other' });
  const left = [...EXCEPTIONAL];
  const outcomes: Promise<ReasonCode>[] = [];
  const publishException = () => {
    const { kind, topic, qos, traceparent } = left.shift()!;
    const properties = traceparent === '' ? {} : { userProperties: [['traceparent', traceparent] as const] };
    outcomes.push(other.publish(topic, kind.payload ?? 'hello', { qos, properties }));
  };
  const each = (MESSAGES - EXCEPTIONS) / 2;
  await Promise.all([first, second].map((publisher) => publishOrdinary(publisher, each, publishException)));
  assert.deepEqual(left, []);
  await Promise.all(outcomes);
  await Promise.all([
    old.completes(each),
    recent.completes(each),
    rejecter.completes(EXCEPTIONAL.filter(({ kind }) => kind.name === 'rejected').length),
    late.completes(EXCEPTIONAL.filter(({ kind }) => kind.name === 'late').length),
  ]);
}

describe('of 100,000 messages at a rate of 1 %', () => {
  it('every trace in which something failed or was slow is complete in the backend', { skip }, async () => {
    await using backends = await Backends.start();
    await using directory = await TestDirectory.create();
    const settings = { ...backends.settings('grpc'), 'telemetry.sampling.rate': RATE };
    await using broker = await BrokerProcess.start({ directory, settings, toml: RULES });
    await publishAll(broker.port);
    const figure = (name: string) => metric(broker.adminUrl, `robustmq_${name}`);
    await until('no span is open', async () => (await figure('open_spans')) === 0);
    await until('every span is exported, not asked for, or may still be', async () => {
      const settled = (await figure('spans_exported_total')) + (await figure('spans_unsampled_total'));
      return settled + (await figure('spans_undecided')) === (await figure('spans_started_total'));
    });
    assert.equal(await figure('spans_dropped_total'), 0);
    assert.equal(await backends.collector.acceptedSpans(), await figure('spans_exported_total'));
    await broker.kill('SIGTERM');

    const accepted = await backends.collector.acceptedSpans();
    const spans = await backends.all(accepted);
    assert.equal(spans.length, accepted);
    assertFromCatalogue(spans);
    const traces = tracesByTopic(spans);
    assert.deepEqual(
      EXCEPTIONAL.flatMap((message) => problemOf(message, traces.get(message.topic))),
      [],
    );
    const ordinary = [...traces].filter(([topic]) => topic.startsWith('ordinary/'));
    const kept = ordinary.flatMap(([, trace]) => trace.filter(({ name }) => name === 'mqtt/publish')).length;
    // Ten standard deviations below what the rate alone chooses; above it there may be slow ones.
    const expected = MESSAGES * RATE;
    assert.ok(kept > expected - 10 * Math.sqrt(expected) && kept < 5 * expected, `${kept} ordinary traces`);
  });
});
