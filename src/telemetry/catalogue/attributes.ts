import { type Numbered, numbered } from './numbered.ts';

export type AttributeType = 'string' | 'int' | 'double' | 'boolean' | 'string[]';

/** `low`: a handful of values fixed in the code; `medium`: as many as configuration or nodes; `high`: grows with use. */
export type Cardinality = 'low' | 'medium' | 'high';

interface AttributeEntry {
  readonly key: string;
  readonly type: AttributeType;
  /** UCUM unit, empty where the value has none. */
  readonly unit: string;
  readonly cardinality: Cardinality;
  readonly description: string;
}
export type AttributeDefinition = Numbered<AttributeEntry>;

function attribute(key: string, type: AttributeType, cardinality: Cardinality, description: string, unit = '') {
  return { key, type, unit, cardinality, description };
}

export const ATTRIBUTES = numbered({
  mqttClientId: attribute('mqtt.client_id', 'string', 'high', 'Client identifier of the connection.'),
  mqttTopic: attribute('mqtt.topic', 'string', 'high', 'Topic name of the message.'),
  mqttQos: attribute('mqtt.qos', 'int', 'low', 'Quality of service: 0, 1 or 2.'),
  mqttRetain: attribute('mqtt.retain', 'boolean', 'low', 'RETAIN flag of the PUBLISH.'),
  mqttPayloadSize: attribute('mqtt.payload_size', 'int', 'high', 'Length of the payload.', 'By'),
  mqttProtocolVersion: attribute('mqtt.protocol_version', 'string', 'low', 'Protocol version: 3.1, 3.1.1 or 5.0.'),
  mqttCleanSession: attribute(
    'mqtt.clean_session',
    'boolean',
    'low',
    'Clean Session (3.1.1) or Clean Start (5.0) flag.',
  ),
  mqttTopics: attribute(
    'mqtt.topics',
    'string[]',
    'high',
    'Topic filters of a SUBSCRIBE or UNSUBSCRIBE: the first 128.',
  ),
  mqttTopicCount: attribute(
    'mqtt.topic_count',
    'int',
    'high',
    'How many topic filters there are, where `mqtt.topics` has not all.',
  ),
  mqttPacketId: attribute('mqtt.packet_id', 'int', 'high', 'Packet identifier.'),
  mqttReasonCode: attribute('mqtt.reason_code', 'int', 'low', 'Reason code of the answer.'),
  mqttDuplicate: attribute('mqtt.duplicate', 'boolean', 'low', 'DUP flag of the PUBLISH.'),

  mqttPayload: attribute(
    'mqtt.payload',
    'string',
    'high',
    'The payload as text, or in Base64 where it is not UTF-8; its beginning where it is longer than `payload_max_bytes`.',
  ),
  mqttPayloadHash: attribute('mqtt.payload_hash', 'string', 'high', 'HMAC-SHA-256 of the whole payload, in hex.'),
  mqttUserProperties: attribute(
    'mqtt.user_properties',
    'string[]',
    'high',
    'User properties that configuration names, as `name=value`, the value hashed where configuration says so.',
  ),

  messagingSystem: attribute('messaging.system', 'string', 'low', 'The messaging system: mqtt.'),
  messagingOperationName: attribute('messaging.operation.name', 'string', 'low', 'What MQTT calls the operation.'),
  messagingOperationType: attribute(
    'messaging.operation.type',
    'string',
    'low',
    'Which of the operations of the conventions it is: send, or settle.',
  ),
  messagingDestinationName: attribute('messaging.destination.name', 'string', 'high', 'As `mqtt.topic`.'),
  messagingClientId: attribute('messaging.client.id', 'string', 'high', 'As `mqtt.client_id`.'),
  messagingMessageBodySize: attribute('messaging.message.body.size', 'int', 'high', 'As `mqtt.payload_size`.', 'By'),

  userName: attribute('user.name', 'string', 'high', 'User name of the client.'),
  userHash: attribute('user.hash', 'string', 'high', 'HMAC-SHA-256 of the user name of the client, in hex.'),

  networkTransport: attribute('network.transport', 'string', 'low', 'tcp, below TLS and WebSocket too.'),
  networkProtocolName: attribute('network.protocol.name', 'string', 'low', 'mqtt.'),
  networkProtocolVersion: attribute('network.protocol.version', 'string', 'low', 'As `mqtt.protocol_version`.'),
  networkPeerAddress: attribute('network.peer.address', 'string', 'high', 'IP address of the client.'),
  networkPeerPort: attribute('network.peer.port', 'int', 'high', 'TCP port of the client.'),

  robustmqCluster: attribute('robustmq.cluster', 'string', 'low', 'Name of the cluster.'),
  robustmqBrokerId: attribute('robustmq.broker_id', 'string', 'medium', 'Identifier of the node.'),
  robustmqSessionId: attribute('robustmq.session_id', 'string', 'high', 'Identifier of the session.'),

  performanceQueueDepth: attribute(
    'performance.queue_depth',
    'int',
    'high',
    'Messages waiting ahead of this one.',
    '{message}',
  ),
  performanceConnectionCount: attribute(
    'performance.connection_count',
    'int',
    'high',
    'Open connections of the broker.',
    '{connection}',
  ),
  performanceLatencyMs: attribute('performance.latency_ms', 'double', 'high', 'How long the operation took.', 'ms'),
  performanceSuccess: attribute('performance.success', 'boolean', 'low', 'Whether the operation succeeded.'),

  errorType: attribute('error.type', 'string', 'low', 'Closed code of the failure.'),
  errorMessage: attribute('error.message', 'string', 'high', 'Sentence that says what failed.'),
  exceptionType: attribute(
    'exception.type',
    'string',
    'low',
    'Class or code of the thrown error (span event `exception`).',
  ),
  exceptionMessage: attribute(
    'exception.message',
    'string',
    'high',
    'Message of the thrown error (event `exception`).',
  ),
  exceptionStacktrace: attribute(
    'exception.stacktrace',
    'string',
    'high',
    'Stack of the thrown error (event `exception`).',
  ),

  storageOperation: attribute('storage.operation', 'string', 'low', 'Operation of the storage engine.'),
  storageDataSize: attribute('storage.data_size', 'int', 'high', 'Bytes written or read.', 'By'),
  storageSegmentId: attribute('storage.segment_id', 'string', 'high', 'Segment the operation touched.'),
  storageOffset: attribute('storage.offset', 'int', 'high', 'Offset of the (first) record.'),
  storageSuccess: attribute('storage.success', 'boolean', 'low', 'Whether the storage operation succeeded.'),

  dbSystemName: attribute('db.system.name', 'string', 'low', 'Database: rocksdb.'),
  dbOperation: attribute('db.operation', 'string', 'low', 'Operation: get, put, delete, batch or scan.'),
  dbOperationName: attribute('db.operation.name', 'string', 'low', 'As `db.operation`.'),
  dbKey: attribute('db.key', 'string', 'high', 'Key, or the prefix of a scan.'),
  dbValueSize: attribute('db.value_size', 'int', 'high', 'Length of the value.', 'By'),

  journalShard: attribute('robustmq.journal.shard', 'string', 'medium', 'Shard of the journal.'),
  journalBatchRecords: attribute('robustmq.journal.batch_records', 'int', 'high', 'Records in the batch.', '{record}'),
  linkedMessages: attribute('robustmq.linked_messages', 'int', 'high', 'Messages the span stands for.', '{message}'),
  subscriptionCount: attribute(
    'robustmq.subscription.count',
    'int',
    'high',
    'Subscriptions that matched.',
    '{subscription}',
  ),
  pushCount: attribute('robustmq.push.count', 'int', 'high', 'Subscribers the span pushed to.', '{client}'),
  pushFailures: attribute('robustmq.push.failures', 'int', 'high', 'Subscribers the push failed for.', '{client}'),
  pushSlowestMs: attribute(
    'robustmq.push.slowest_ms',
    'double',
    'high',
    'The longest of the pushes that the span stands for.',
    'ms',
  ),
  stageMessages: attribute(
    'robustmq.stage.messages',
    'int',
    'high',
    'Messages that were handled together: the times of the stages are those of all of them.',
    '{message}',
  ),
  waitedMs: attribute('robustmq.delivery.waited_ms', 'double', 'high', 'Time from commit to delivery.', 'ms'),
  redelivered: attribute('robustmq.delivery.redelivered', 'boolean', 'low', 'Sent before, on an earlier connection.'),
  dropReason: attribute('robustmq.drop.reason', 'string', 'low', 'Why the message was not delivered, or not retained.'),
  authMethod: attribute(
    'robustmq.auth.method',
    'string',
    'low',
    'The authenticator that decided who the client is; none: no one knew it.',
  ),
  authChain: attribute(
    'robustmq.auth.chain',
    'string[]',
    'medium',
    'The authenticators that were asked, in order; the last one decided, unless none did.',
  ),
  authVerdict: attribute(
    'robustmq.auth.verdict',
    'string',
    'low',
    'What one authenticator said: allowed, refused, ignored or unavailable.',
  ),
  authCached: attribute('robustmq.auth.cached', 'boolean', 'low', 'Whether a cached decision answered.'),
  authRule: attribute(
    'robustmq.auth.rule',
    'string',
    'medium',
    'The access rule that decided: its list or file, and its position or line.',
  ),
  samplingReason: attribute(
    'robustmq.sampling.reason',
    'string',
    'low',
    'On its first span, why a trace was kept: head (rate), forced (the caller’s flag), dropped, error, redelivered, slow or watch.',
  ),
  shardRoute: attribute('robustmq.route.shard', 'string', 'medium', 'Shard that takes the topic.'),
});
