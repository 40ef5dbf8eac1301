import { ATTRIBUTES as A } from './attributes.ts';
import { CONTENT, MESSAGE } from './packet-spans.ts';
import {
  always,
  BEGINS,
  type ConstantAttribute,
  FAILS,
  messaging,
  type Role,
  type SpanAttributeRule,
  type SpanEntry,
  when,
} from './span-definition.ts';

interface StageSpan {
  readonly parents: readonly string[];
  readonly begins?: boolean;
  readonly attributes?: readonly SpanAttributeRule[];
  readonly constants?: readonly ConstantAttribute[];
}

function internal(role: Role, name: string, description: string, stage: StageSpan): SpanEntry {
  return { name, kind: 'internal', role, description, begins: false, attributes: [], constants: [], ...stage };
}

/** "send" of the messaging conventions: PRODUCER, because this span's context is what `traceparent` carries on. */
const push = (description: string, stage: StageSpan): SpanEntry => ({
  ...internal('broker', 'client/push', description, stage),
  kind: 'producer',
});

const rocksdb = (operation: string, description: string, parent: string, keyed = true): SpanEntry => ({
  name: `storage/rocksdb.${operation}`,
  kind: 'client',
  role: 'placement',
  description,
  parents: [parent],
  begins: false,
  attributes: [...always(...(keyed ? [A.dbKey] : [])), ...when('it succeeded', A.dbValueSize), ...FAILS],
  constants: [
    [A.dbSystemName, 'rocksdb'],
    [A.dbOperation, operation],
    [A.dbOperationName, operation],
  ],
});

const PUBLISHED = ['mqtt/publish', 'will/publish'];
const REQUESTS = ['mqtt/publish', 'mqtt/subscribe', 'mqtt/unsubscribe'];

/** What is done for a request, by the broker and by placement and journal. */
export const STAGE_SPANS = {
  authValidate: internal(
    'broker',
    'auth/validate',
    'Checks who the client is: credentials, or the session behind a packet.',
    {
      parents: ['mqtt/connect', 'mqtt/auth', ...REQUESTS],
      attributes: [
        ...when('the client was not banned before', A.authMethod),
        ...when('the answer is known', A.authCached),
        ...when('authenticators were asked', A.authChain),
        ...FAILS,
      ],
    },
  ),
  authBackend: internal('broker', 'auth/backend', 'One authenticator of the chain: from the question to its verdict.', {
    parents: ['auth/validate'],
    attributes: [...always(A.authMethod, A.authVerdict), ...FAILS],
  }),
  topicAuthorize: internal(
    'broker',
    'topic/authorize',
    'Checks that the client may publish or subscribe to the topic.',
    {
      parents: ['mqtt/connect', 'mqtt/publish', 'mqtt/subscribe'],
      attributes: [...always(A.mqttTopic, A.authRule, A.authCached), ...FAILS],
    },
  ),
  messageRetain: internal(
    'broker',
    'message/retain',
    'Keeps a message for future subscribers. It has a span where a limit does not allow that.',
    { parents: PUBLISHED, attributes: [...always(A.dropReason), ...FAILS] },
  ),
  storagePersist: internal('broker', 'storage/persist', 'Hands a message to the journal, until it is durable.', {
    parents: PUBLISHED,
    attributes: FAILS,
  }),

  metadataQuery: internal(
    'placement',
    'metadata/query',
    'Reads metadata: the route, session or shard a request needs.',
    { parents: ['storage/persist'] },
  ),
  metadataUpdate: internal(
    'placement',
    'metadata/update',
    'Writes metadata, conditionally where the caller asks for it.',
    { parents: ['mqtt/connect', 'mqtt/subscribe', 'mqtt/unsubscribe'], attributes: FAILS },
  ),
  clusterRoute: internal('placement', 'cluster/route', 'Decides which shard, on which node, takes the topic.', {
    parents: ['storage/persist'],
    attributes: always(A.mqttTopic, A.shardRoute),
  }),

  journalWrite: internal(
    'journal',
    'journal/write',
    'A record in the journal, from its arrival until its batch is durable.',
    { parents: ['storage/persist'], attributes: [...always(A.journalShard), ...FAILS] },
  ),
  segmentAppend: internal('journal', 'segment/append', 'Writes a batch of records to the active segment file.', {
    parents: ['journal/write'],
  }),
  indexUpdate: internal('journal', 'index/update', 'Adds a batch to the offset index and the topic index.', {
    parents: ['journal/write'],
  }),
  storageJournalWrite: internal(
    'journal',
    'storage/journal.write',
    'One storage operation of the journal engine on a segment.',
    {
      parents: ['journal/write'],
      attributes: [
        ...always(A.storageOperation, A.storageDataSize, A.storageSuccess),
        ...when('it succeeded', A.storageSegmentId, A.storageOffset),
        ...FAILS,
      ],
    },
  ),
  journalCommit: internal(
    'journal',
    'journal/commit',
    'The write and sync of one group commit; linked to each message it carried.',
    {
      parents: ['storage/persist'],
      attributes: always(A.journalShard, A.journalBatchRecords, A.linkedMessages),
    },
  ),

  subscriptionMatch: internal('broker', 'subscription/match', 'Finds the sessions whose filters match the topic.', {
    parents: PUBLISHED,
    attributes: always(A.subscriptionCount),
  }),
  clientPush: push('Writes a message to one subscriber.', {
    parents: PUBLISHED,
    begins: true,
    attributes: [
      ...when('it was to one known subscriber', A.mqttClientId, A.robustmqSessionId),
      ...when('it comes later than it was published', A.mqttTopic, A.waitedMs),
      ...when('it was sent before', A.redelivered),
      ...when('it did not reach the socket', A.dropReason),
      ...FAILS,
      ...BEGINS,
    ],
    constants: messaging('deliver', 'send'),
  }),
  clientPushRest: push(
    'All pushes of a fan-out beyond the first 32 as one span; `robustmq.push.count` says how many.',
    {
      parents: PUBLISHED,
      attributes: [...always(A.pushCount, A.pushFailures, A.pushSlowestMs), ...FAILS],
      constants: messaging('deliver', 'send'),
    },
  ),
  deliveryConfirm: internal(
    'broker',
    'delivery/confirm',
    'From the push of a QoS 1 or 2 message to its acknowledgement.',
    {
      parents: ['client/push'],
      attributes: [...always(A.mqttClientId, A.mqttQos), ...when('it was acknowledged', A.mqttReasonCode), ...FAILS],
      constants: messaging('confirm', 'settle'),
    },
  ),
  willPublish: internal('broker', 'will/publish', 'Publishes the will of a client that went away.', {
    parents: [],
    begins: true,
    attributes: [...MESSAGE, ...CONTENT, ...FAILS, ...BEGINS],
    constants: messaging('publish', 'send'),
  }),

  storageRocksdbGet: rocksdb('get', 'Reads one key of RocksDB.', 'metadata/query'),
  storageRocksdbPut: rocksdb('put', 'Writes one key of RocksDB.', 'metadata/update'),
  storageRocksdbDelete: rocksdb('delete', 'Deletes one key of RocksDB.', 'metadata/update'),
  storageRocksdbBatch: rocksdb('batch', 'Writes several keys of RocksDB atomically.', 'metadata/update', false),
  storageRocksdbScan: rocksdb('scan', 'Reads a range of keys of RocksDB.', 'metadata/query'),
};
