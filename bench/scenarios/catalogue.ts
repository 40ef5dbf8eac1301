import { PAYLOAD_HEADER_BYTES } from '../client/packets.ts';
import { fanIn, fanOut, pairs, wildcard } from '../load/topology.ts';
import { connects } from './connects.ts';
import { idleConnections } from './idle-connections.ts';
import { messageScenario } from './messages.ts';
import type { Scenario } from './scenario.ts';

/** Under this root RobustMQ is told to keep messages in memory only; everywhere else it syncs them to disk. */
export const VOLATILE_ROOT = 'bench/volatile';
const DURABLE_ROOT = 'bench/durable';
const QOS0_ROOT = 'bench/qos0';

/** The smallest payload that holds what the verification needs. */
const SMALL_BYTES = PAYLOAD_HEADER_BYTES;
const MEDIUM_BYTES = 256;

const qos0 = { qos: 0, payloadBytes: SMALL_BYTES } as const;
const qos1 = { qos: 1, payloadBytes: SMALL_BYTES } as const;

/** The rate at which no span may be lost when all are exported. */
const offered = { perSecond: 100_000, batchIntervalMs: 4 } as const;

export const SCENARIOS: readonly Scenario[] = [
  messageScenario('qos0-batched-16', 'QoS 0, 10 pairs, window 100, 16 B', {
    ...qos0,
    topology: pairs(QOS0_ROOT, 10),
    window: 100,
  }),
  messageScenario('qos0-batched-256', 'QoS 0, 10 pairs, window 100, 256 B', {
    qos: 0,
    payloadBytes: MEDIUM_BYTES,
    topology: pairs(QOS0_ROOT, 10),
    window: 100,
  }),
  messageScenario('qos0-wildcard', 'QoS 0, 10 publishers with 10 topics each, window 100, one `+/+` subscriber', {
    ...qos0,
    topology: wildcard(QOS0_ROOT, 10, 10),
    window: 100,
  }),
  messageScenario('qos0-window1', 'QoS 0, 100 pairs, window 1', {
    ...qos0,
    topology: pairs(QOS0_ROOT, 100),
    window: 1,
  }),
  messageScenario('qos0-fan-in', 'QoS 0, 100 publishers, window 20, one subscriber', {
    ...qos0,
    topology: fanIn(`${QOS0_ROOT}/in`, 100),
    window: 20,
  }),
  messageScenario('qos0-fan-out', 'QoS 0, one publisher, window 20, 100 subscribers', {
    ...qos0,
    topology: fanOut(`${QOS0_ROOT}/out`, 100),
    window: 20,
  }),
  messageScenario('qos0-fan-out-4', 'QoS 0, one publisher, window 100, 4 subscribers: eight spans a message', {
    ...qos0,
    topology: fanOut(`${QOS0_ROOT}/out`, 4),
    window: 100,
  }),
  messageScenario('qos1-volatile-20', 'QoS 1, 10 pairs, window 20, topics that are not durable', {
    ...qos1,
    topology: pairs(VOLATILE_ROOT, 10),
    window: 20,
  }),
  messageScenario('qos1-volatile-100', 'QoS 1, 10 pairs, window 100, topics that are not durable', {
    ...qos1,
    topology: pairs(VOLATILE_ROOT, 10),
    window: 100,
  }),
  messageScenario('qos1-durable-20', 'QoS 1, 10 pairs, window 20, synced to disk by RobustMQ', {
    ...qos1,
    topology: pairs(DURABLE_ROOT, 10),
    window: 20,
  }),
  messageScenario('qos1-durable-100', 'QoS 1, 10 pairs, window 100, synced to disk by RobustMQ', {
    ...qos1,
    topology: pairs(DURABLE_ROOT, 10),
    window: 100,
  }),
  messageScenario('qos0-offered-100k', 'QoS 0, 100,000 messages/s offered by one publisher, each to 4 subscribers', {
    ...qos0,
    topology: fanOut(`${QOS0_ROOT}/offered`, 4),
    // A second of it: who is that far behind is not offered more.
    window: offered.perSecond,
    offered,
  }),
  messageScenario('qos1-offered-20k', 'QoS 1, 20,000 messages/s offered by 10 pairs, topics that are not durable', {
    ...qos1,
    topology: pairs(`${VOLATILE_ROOT}/offered`, 10),
    window: 2000,
    offered: { perSecond: 20_000, batchIntervalMs: 4 },
  }),
  messageScenario('ping-pong', 'QoS 0, one pair, window 1: one message after the other', {
    ...qos0,
    topology: pairs(QOS0_ROOT, 1),
    window: 1,
  }),
  connects,
  idleConnections(10_000),
];
