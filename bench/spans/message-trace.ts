import { ATTRIBUTES, type AttributeDefinition, SPANS, type SpanDefinition } from '../../src/telemetry/catalogue.ts';

/** A value that all messages share, or what it is for the n-th. */
export type TraceValue = string | boolean | number | ((n: number) => number);

export interface TraceSpan {
  readonly definition: SpanDefinition;
  /** Position among the spans; undefined for the first. */
  readonly parent: number | undefined;
  /** Milliseconds since the message came. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: readonly (readonly [AttributeDefinition, TraceValue])[];
}

const TOPIC = 'plant/7/line/3/temperature';
const packetId = (n: number): number => 1 + (n % 65_535);
const latencyMs = (n: number): number => 1.5 + (n % 97) / 1000;

function span(
  definition: SpanDefinition,
  parent: number | undefined,
  [startMs, endMs]: readonly [number, number],
  ...attributes: TraceSpan['attributes']
): TraceSpan {
  return { definition, parent, startMs, endMs, attributes };
}

/** A QoS 1 message from one client to one other, as the broker traces it: 14 spans with 35 attributes. */
export const MESSAGE_TRACE: readonly TraceSpan[] = [
  span(
    SPANS.mqttPublish,
    undefined,
    [0, 1.5],
    [ATTRIBUTES.mqttClientId, 'sensor-000042'],
    [ATTRIBUTES.mqttTopic, TOPIC],
    [ATTRIBUTES.mqttQos, 1],
    [ATTRIBUTES.mqttRetain, false],
    [ATTRIBUTES.mqttPayloadSize, (n) => 200 + (n % 100)],
    [ATTRIBUTES.mqttPacketId, packetId],
    [ATTRIBUTES.networkPeerAddress, '192.168.113.27'],
    [ATTRIBUTES.networkPeerPort, 50_123],
    [ATTRIBUTES.robustmqCluster, 'robustmq'],
    [ATTRIBUTES.robustmqBrokerId, 'broker-1'],
    [ATTRIBUTES.robustmqSessionId, '1234'],
    [ATTRIBUTES.performanceConnectionCount, 1000],
    [ATTRIBUTES.performanceQueueDepth, (n) => n % 256],
    [ATTRIBUTES.performanceLatencyMs, latencyMs],
    [ATTRIBUTES.performanceSuccess, true],
  ),
  span(SPANS.authValidate, 0, [0.01, 0.011], [ATTRIBUTES.authMethod, 'password'], [ATTRIBUTES.authCached, true]),
  span(
    SPANS.topicAuthorize,
    0,
    [0.011, 0.013],
    [ATTRIBUTES.mqttTopic, TOPIC],
    [ATTRIBUTES.authRule, 'auth.rules[3]'],
    [ATTRIBUTES.authCached, true],
  ),
  span(SPANS.metadataQuery, 0, [0.013, 0.014]),
  span(SPANS.clusterRoute, 0, [0.014, 0.015], [ATTRIBUTES.mqttTopic, TOPIC], [ATTRIBUTES.shardRoute, 'default']),
  span(SPANS.storagePersist, 0, [0.015, 1.2]),
  span(SPANS.journalWrite, 5, [0.1, 1.1], [ATTRIBUTES.journalShard, 'default']),
  span(SPANS.segmentAppend, 6, [0.1, 0.4]),
  span(SPANS.indexUpdate, 6, [0.4, 0.5]),
  span(
    SPANS.storageJournalWrite,
    6,
    [0.1, 1.1],
    [ATTRIBUTES.storageOperation, 'append'],
    [ATTRIBUTES.storageDataSize, (n) => 30_000 + (n % 5000)],
    [ATTRIBUTES.storageSegmentId, '17'],
    [ATTRIBUTES.storageOffset, (n) => 1_000_000 + n],
    [ATTRIBUTES.storageSuccess, true],
  ),
  span(SPANS.subscriptionMatch, 0, [1.2, 1.21], [ATTRIBUTES.subscriptionCount, 1]),
  span(
    SPANS.clientPush,
    0,
    [1.21, 1.23],
    [ATTRIBUTES.mqttClientId, 'dashboard-7'],
    [ATTRIBUTES.robustmqSessionId, '99'],
  ),
  span(
    SPANS.deliveryConfirm,
    11,
    [1.22, 2.5],
    [ATTRIBUTES.mqttClientId, 'dashboard-7'],
    [ATTRIBUTES.mqttQos, 1],
    [ATTRIBUTES.mqttReasonCode, 0],
  ),
  span(SPANS.mqttPuback, 12, [2.49, 2.5], [ATTRIBUTES.mqttPacketId, packetId]),
];
