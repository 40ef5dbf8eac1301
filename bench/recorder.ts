/**
 * What recording costs the thread that handles messages: processor time for each message, without a reader.
 *
 *   npm run bench:recorder
 */

import type { TracedClient } from '../src/base/traced-client.ts';
import { ATTRIBUTES, SPANS } from '../src/telemetry/catalogue.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { Recording } from '../src/telemetry/recording.ts';
import { ENTRY, EntryBatch, MessageEntry, QOS_SHIFT } from '../src/telemetry/records/message-entry.ts';
import { messageContext } from '../src/telemetry/records/message-recorder.ts';

/** Short rounds, so that some are undisturbed; the first are warming up. */
const ROUNDS = 301;
const MESSAGES_OF_ROUND = 20_000;
const RUN_MESSAGES = 50;
const BATCH_MESSAGES = 100;

const options = { enabled: true, ringBytes: 64 * 1024 * 1024, maxOpenSpans: 32_768, rate: 0.01, followParent: true };
const recording = new Recording(options, new Metrics());
const { runs, texts, clients, messages, pushes, spans } = recording;

const topicBytes = Buffer.from('bench/topic/1');
const topic = { tracePosition: 0 };
const rule = { tracePosition: 0 };
const shard = { tracePosition: 0 };
const client = (clientId: string): TracedClient => ({
  clientId,
  sessionNumber: 1,
  remoteAddress: '127.0.0.1',
  remotePort: 50_000,
  userName: '',
  authMethod: 'anonymous',
  tracePosition: 0,
});
const publisher = client('publisher');
const subscriber = client('subscriber');
const now = Date.now();

/** QoS 0 messages that came in one read, to one subscriber. */
function run(): void {
  for (let index = 0; index < RUN_MESSAGES; index += 1) runs.message(texts.ofBytes(topic, topicBytes), 16);
  runs.pushed(clients.of(subscriber), false);
  runs.finish({
    receivedAt: now,
    admittedAt: now,
    pushedAt: now,
    client: clients.of(publisher),
    rule: texts.ofText(rule, 'allow all'),
    connections: 2,
    threshold: recording.head.threshold,
    matched: 1,
  });
}

const entry = new MessageEntry();
const context = messageContext();
const batch = new EntryBatch();
const handles = new Int32Array(BATCH_MESSAGES);
const stage = { dispatchedAt: now, answeredAt: now, connections: 2, queueDepth: 0, shard: 0 };

/** QoS 1 messages of one group commit, each to one subscriber, who acknowledges them in one read. */
function storedBatch(): void {
  for (let index = 0; index < BATCH_MESSAGES; index += 1) {
    messages.begin(entry, context);
    const { u32, f64 } = entry;
    u32[ENTRY.client] = clients.of(publisher);
    u32[ENTRY.topic] = texts.ofBytes(topic, topicBytes);
    u32[ENTRY.rule] = texts.ofText(rule, 'allow all');
    u32[ENTRY.payloadBytes] = 16;
    u32[ENTRY.flags]! |= index | (1 << QOS_SHIFT);
    f64[ENTRY.receivedAt] = now;
    batch.append(entry);
  }
  batch.stampAdmitted(now);
  for (let index = 0; index < BATCH_MESSAGES; index += 1) {
    const handle = pushes.begin(context.words, 0, 1, clients.of(subscriber), 0, 0, now);
    pushes.sent(handle, index);
    handles[index] = handle;
    batch.stored(index, 1);
  }
  pushes.endStage(now);
  stage.shard = texts.ofText(shard, 'messages-0');
  messages.write(batch, 0, batch.count, stage);
  batch.reset();
  for (let index = 0; index < BATCH_MESSAGES; index += 1) pushes.acknowledged(handles[index]!, 0, now);
  pushes.endAcknowledged();
}

/** A span with three attributes. */
function span(): void {
  const handle = spans.root(SPANS.mqttSubscribe, now);
  spans.attribute(handle, ATTRIBUTES.mqttClientId, 'subscriber');
  spans.attribute(handle, ATTRIBUTES.mqttPacketId, 7);
  spans.attribute(handle, ATTRIBUTES.authMethod, 'anonymous');
  spans.end(handle, now);
}

function report(what: string, work: () => void, messagesOfCall: number): void {
  const calls = MESSAGES_OF_ROUND / messagesOfCall;
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call += 1) work();
    const { user, system } = process.cpuUsage(before);
    costs.push(((user + system) * 1000) / MESSAGES_OF_ROUND);
  }
  costs.sort((a, b) => a - b);
  const [least, median] = [costs[0]!, costs[ROUNDS >> 1]!];
  process.stdout.write(`${what.padEnd(34)}${median.toFixed(1).padStart(8)} ns${least.toFixed(1).padStart(10)} ns\n`);
}

process.stdout.write(`${''.padEnd(34)}${'median'.padStart(8)}${'least'.padStart(13)}\n`);
report('a QoS 0 message of a run', run, RUN_MESSAGES);
report('a QoS 1 message and its delivery', storedBatch, BATCH_MESSAGES);
report('any other span', span, 1);
