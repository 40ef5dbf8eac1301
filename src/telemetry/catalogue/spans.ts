import { type Numbered, numbered } from './numbered.ts';

/** Each role is a service of its own in the trace (`service.name` = prefix + role), even when one process plays all. */
export const ROLES = ['broker', 'placement', 'journal'] as const;
export type Role = (typeof ROLES)[number];

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

interface SpanEntry {
  readonly name: string;
  readonly kind: SpanKind;
  readonly role: Role;
  readonly description: string;
}
export type SpanDefinition = Numbered<SpanEntry>;

const packet = (name: string, description: string): SpanEntry => ({
  name,
  kind: 'server',
  role: 'broker',
  description,
});
const internal = (role: Role, name: string, description: string): SpanEntry => ({
  name,
  kind: 'internal',
  role,
  description,
});
/** "send" of the messaging conventions: PRODUCER, because this span's context is what `traceparent` carries on. */
const push = (description: string): SpanEntry => ({
  name: 'client/push',
  kind: 'producer',
  role: 'broker',
  description,
});
const rocksdb = (operation: string, description: string): SpanEntry => ({
  name: `storage/rocksdb.${operation}`,
  kind: 'client',
  role: 'placement',
  description,
});

export const SPANS = numbered({
  mqttConnect: packet('mqtt/connect', 'A CONNECT, from its first byte to the CONNACK written with its reason code.'),
  mqttPublish: packet('mqtt/publish', 'A PUBLISH from a client, until it is answered (QoS 1, 2) or routed (QoS 0).'),
  mqttPuback: packet('mqtt/puback', 'A PUBACK from a subscriber for a QoS 1 message pushed to it.'),
  mqttPubrec: packet('mqtt/pubrec', 'A PUBREC from a subscriber: first answer to a QoS 2 message pushed to it.'),
  mqttPubrel: packet('mqtt/pubrel', 'A PUBREL from a publisher, until the PUBCOMP is written.'),
  mqttPubcomp: packet('mqtt/pubcomp', 'A PUBCOMP from a subscriber: the QoS 2 delivery to it is complete.'),
  mqttSubscribe: packet('mqtt/subscribe', 'A SUBSCRIBE, until the SUBACK is written.'),
  mqttUnsubscribe: packet('mqtt/unsubscribe', 'An UNSUBSCRIBE, until the UNSUBACK is written.'),
  mqttPingreq: packet('mqtt/pingreq', 'A PINGREQ, until the PINGRESP is written.'),
  mqttDisconnect: packet('mqtt/disconnect', 'A DISCONNECT from the client, or the broker ending a connection.'),
  mqttAuth: packet('mqtt/auth', 'An AUTH packet of an enhanced authentication exchange.'),

  authValidate: internal(
    'broker',
    'auth/validate',
    'Checks who the client is: credentials, or the session behind a packet.',
  ),
  authBackend: internal('broker', 'auth/backend', 'One authenticator of the chain: from the question to its verdict.'),
  topicAuthorize: internal(
    'broker',
    'topic/authorize',
    'Checks that the client may publish or subscribe to the topic.',
  ),
  storagePersist: internal('broker', 'storage/persist', 'Hands a message to the journal, until it is durable.'),

  metadataQuery: internal(
    'placement',
    'metadata/query',
    'Reads metadata: the route, session or shard a request needs.',
  ),
  metadataUpdate: internal(
    'placement',
    'metadata/update',
    'Writes metadata, conditionally where the caller asks for it.',
  ),
  clusterRoute: internal('placement', 'cluster/route', 'Decides which shard, on which node, takes the topic.'),

  journalWrite: internal(
    'journal',
    'journal/write',
    'A record in the journal, from its arrival until its batch is durable.',
  ),
  segmentAppend: internal('journal', 'segment/append', 'Writes a batch of records to the active segment file.'),
  indexUpdate: internal('journal', 'index/update', 'Adds a batch to the offset index and the topic index.'),
  storageJournalWrite: internal(
    'journal',
    'storage/journal.write',
    'One storage operation of the journal engine on a segment.',
  ),
  journalCommit: internal(
    'journal',
    'journal/commit',
    'The write and sync of one group commit; linked to each message it carried.',
  ),

  subscriptionMatch: internal('broker', 'subscription/match', 'Finds the sessions whose filters match the topic.'),
  clientPush: push('Writes a message to one subscriber.'),
  clientPushRest: push('All pushes of a fan-out beyond the first 32 as one span; `robustmq.push.count` says how many.'),
  deliveryConfirm: internal(
    'broker',
    'delivery/confirm',
    'From the push of a QoS 1 or 2 message to its acknowledgement.',
  ),
  willPublish: internal('broker', 'will/publish', 'Publishes the will of a client that went away.'),

  storageRocksdbGet: rocksdb('get', 'Reads one key of RocksDB.'),
  storageRocksdbPut: rocksdb('put', 'Writes one key of RocksDB.'),
  storageRocksdbDelete: rocksdb('delete', 'Deletes one key of RocksDB.'),
  storageRocksdbBatch: rocksdb('batch', 'Writes several keys of RocksDB atomically.'),
  storageRocksdbScan: rocksdb('scan', 'Reads a range of keys of RocksDB.'),
});
