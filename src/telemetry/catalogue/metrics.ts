import { counter, gauge, histogram, LATENCY_BOUNDS_S, label, type MetricEntry } from './metric-definition.ts';
import { type Numbered, numbered } from './numbered.ts';
import { PROCESS_METRICS } from './process-metrics.ts';
import { STAGE_MEANINGS, type Stage } from './stages.ts';
import { TELEMETRY_METRICS } from './telemetry-metrics.ts';

const BATCH_BOUNDS_RECORDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

const OPERATION = label('operation', [
  'connect',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'unsubscribe',
  'pingreq',
  'disconnect',
  'auth',
]);
const STAGE = label('stage', Object.keys(STAGE_MEANINGS) as Stage[]);
const QOS = label('qos', ['0', '1', '2']);
const DROP_REASON = label('reason', [
  'queue_full',
  'expired',
  'too_large',
  'no_subscriber',
  'not_authorized',
  'retention',
  'quota',
  'storage_failed',
  'payload_format',
]);
const LIMIT = label('limit', [
  'connections',
  'connections_per_address',
  'connect_rate',
  'connect_timeout',
  'packet_size',
  'receive_maximum',
  'topic_alias',
  'topic_levels',
  'topic_length',
  'subscriptions',
  'keep_alive',
  'session_expiry',
  'retained_messages',
  'retained_size',
  'qos',
  'retain',
  'wildcard_subscriptions',
  'shared_subscriptions',
  'subscription_identifiers',
  'failed_logins',
  'delayed_refusals',
]);
const CLOSE_REASON = label('reason', [
  'client_disconnect',
  'client_closed',
  'socket_error',
  'handshake_failed',
  'connect_timeout',
  'keep_alive_timeout',
  'malformed_packet',
  'protocol_error',
  'packet_too_large',
  'bad_credentials',
  'not_authorized',
  'session_taken_over',
  'quota_exceeded',
  'server_shutdown',
  'server_error',
  'use_another_server',
  'banned',
  'credentials_expired',
]);

const LOGIN_METHODS = ['certificate', 'scram', 'jwt', 'password'] as const;
const LOGIN_METHOD = label('method', ['anonymous', ...LOGIN_METHODS]);
const LOGIN_REFUSED_BY = label('method', [...LOGIN_METHODS, 'none', 'banned']);
const LOGIN_BACKEND = label('method', LOGIN_METHODS);
const BAN_SCOPE = label('scope', ['user', 'address']);

const HANDSHAKE_FAILURE = label('reason', [
  'not_tls',
  'protocol_version',
  'no_certificate',
  'untrusted_certificate',
  'revoked_certificate',
  'refused_by_client',
  'not_websocket',
  'path',
  'origin',
  'subprotocol',
  'timeout',
  'client_closed',
  'other',
]);

/** Like `numbered`, keeping each metric's kind and label values in its type. */
type NumberedMetrics<Entries> = { readonly [Key in keyof Entries]: Numbered<Entries[Key]> };

const entries = {
  requestsTotal: counter('robustmq_requests_total', '{request}', 'Requests handled, failed ones included.', OPERATION),
  requestErrorsTotal: counter('robustmq_request_errors_total', '{request}', 'Requests that failed.', OPERATION),
  requestDurationSeconds: histogram(
    'robustmq_request_duration_seconds',
    's',
    LATENCY_BOUNDS_S,
    'From the request to its answer.',
    OPERATION,
  ),

  stageDurationSeconds: histogram(
    'robustmq_stage_duration_seconds',
    's',
    LATENCY_BOUNDS_S,
    'How long a stage took: of a message, or of what the broker does for its clients beside.',
    STAGE,
  ),

  ...TELEMETRY_METRICS,

  messagesReceivedTotal: counter('robustmq_messages_received_total', '{message}', 'PUBLISH packets from clients.', QOS),
  messagesDeliveredTotal: counter('robustmq_messages_delivered_total', '{message}', 'PUBLISH packets to clients.', QOS),
  messagesDroppedTotal: counter('robustmq_messages_dropped_total', '{message}', 'Messages not delivered.', DROP_REASON),
  payloadBytesReceivedTotal: counter(
    'robustmq_payload_bytes_received_total',
    'By',
    'Payload of PUBLISH packets from clients.',
  ),
  payloadBytesSentTotal: counter('robustmq_payload_bytes_sent_total', 'By', 'Payload of PUBLISH packets to clients.'),
  bytesReceivedTotal: counter('robustmq_bytes_received_total', 'By', 'Bytes read from clients.'),
  bytesSentTotal: counter('robustmq_bytes_sent_total', 'By', 'Bytes written to clients.'),

  connections: gauge('robustmq_connections', '{connection}', 'Open connections.'),
  connectionsBlocked: gauge(
    'robustmq_connections_blocked',
    '{connection}',
    'Connections whose client does not read as fast as it is sent to.',
  ),
  connectionsPaused: gauge(
    'robustmq_connections_paused',
    '{connection}',
    'Connections that are not read from until the journal has caught up.',
  ),
  outboundQueueBytes: gauge(
    'robustmq_outbound_queue_bytes',
    'By',
    'Bytes for blocked connections that the kernel has not taken.',
  ),
  connectionsOpenedTotal: counter('robustmq_connections_opened_total', '{connection}', 'Connections accepted.'),
  connectionsClosedTotal: counter(
    'robustmq_connections_closed_total',
    '{connection}',
    'Connections closed.',
    CLOSE_REASON,
  ),
  handshakeFailuresTotal: counter(
    'robustmq_handshake_failures_total',
    '{handshake}',
    'TLS and WebSocket handshakes that failed.',
    HANDSHAKE_FAILURE,
  ),
  limitsHitTotal: counter('robustmq_limits_hit_total', '{event}', 'Times a configured limit was reached.', LIMIT),
  loginsTotal: counter('robustmq_logins_total', '{login}', 'Clients let in, by who vouched for them.', LOGIN_METHOD),
  loginsRefusedTotal: counter(
    'robustmq_logins_refused_total',
    '{login}',
    'Clients not let in, by who refused them; none: no authenticator knew them.',
    LOGIN_REFUSED_BY,
  ),
  loginsUnavailableTotal: counter(
    'robustmq_logins_unavailable_total',
    '{login}',
    'Logins that an authenticator could not decide.',
    LOGIN_BACKEND,
  ),
  authBansTotal: counter('robustmq_auth_bans_total', '{ban}', 'Bans begun after failed logins.', BAN_SCOPE),
  authBanned: gauge('robustmq_auth_banned', '{ban}', 'Bans in force.'),
  sessions: gauge('robustmq_sessions', '{session}', 'Sessions kept, connected or not.'),
  sessionsExpiredTotal: counter(
    'robustmq_sessions_expired_total',
    '{session}',
    'Sessions that ended because their client did not come back in time.',
  ),
  subscriptionsWithheldTotal: counter(
    'robustmq_subscriptions_withheld_total',
    '{subscription}',
    'Subscriptions of sessions that the rules no longer allowed.',
  ),
  subscriptions: gauge('robustmq_subscriptions', '{subscription}', 'Subscriptions of all sessions.'),
  retainedMessages: gauge('robustmq_retained_messages', '{message}', 'Retained messages.'),
  inflightMessages: gauge('robustmq_inflight_messages', '{message}', 'Messages pushed and not yet acknowledged.'),

  ingestQueueRecords: gauge(
    'robustmq_ingest_queue_records',
    '{record}',
    'Messages that wait for the append before theirs.',
    { name: 'shard', values: null },
  ),
  ingestQueueBytes: gauge(
    'robustmq_ingest_queue_bytes',
    'By',
    'Records of the messages that wait for the append before theirs.',
    { name: 'shard', values: null },
  ),
  sessionLogQueueBytes: gauge(
    'robustmq_session_log_queue_bytes',
    'By',
    'Events of sessions that wait to be appended to the session log.',
  ),
  placementQueueBytes: gauge(
    'robustmq_placement_queue_bytes',
    'By',
    'Keys and values that wait to be durable in placement.',
  ),
  placementQueueCalls: gauge(
    'robustmq_placement_queue_calls',
    '{call}',
    'Writes to placement that are not yet durable.',
  ),

  journalAppendsTotal: counter('robustmq_journal_appends_total', '{append}', 'Record batches appended.'),
  journalRecordsTotal: counter('robustmq_journal_records_total', '{record}', 'Records appended.'),
  journalBytesTotal: counter('robustmq_journal_bytes_total', 'By', 'Bytes appended.'),
  journalAppendErrorsTotal: counter('robustmq_journal_append_errors_total', '{append}', 'Appends that failed.'),
  journalSyncsTotal: counter('robustmq_journal_syncs_total', '{sync}', 'Times segment files were synced to disk.'),
  journalSyncDurationSeconds: histogram(
    'robustmq_journal_sync_duration_seconds',
    's',
    LATENCY_BOUNDS_S,
    'How long a sync took.',
  ),
  journalCommitRecords: histogram(
    'robustmq_journal_commit_records',
    '{record}',
    BATCH_BOUNDS_RECORDS,
    'Records that one group commit made durable.',
  ),
  journalReadRecordsTotal: counter('robustmq_journal_read_records_total', '{record}', 'Records read back.'),
  journalTruncatedBytesTotal: counter(
    'robustmq_journal_truncated_bytes_total',
    'By',
    'Torn tails cut off at recovery.',
  ),
  journalTrimmedRecordsTotal: counter(
    'robustmq_journal_trimmed_records_total',
    '{record}',
    'Records retention removed.',
  ),
  journalShardEnd: gauge('robustmq_journal_shard_end', '{record}', 'Offset after the last committed record.', {
    name: 'shard',
    values: null,
  }),
  journalShardRecords: gauge('robustmq_journal_shard_records', '{record}', 'Records kept.', {
    name: 'shard',
    values: null,
  }),
  journalShardBytes: gauge('robustmq_journal_shard_bytes', 'By', 'Size of what is kept.', {
    name: 'shard',
    values: null,
  }),
  journalLagRecords: gauge(
    'robustmq_journal_lag_records',
    '{record}',
    'Distance of the slowest connected session from the end of the shard.',
    { name: 'shard', values: null },
  ),

  ...PROCESS_METRICS,
};

export const METRICS = numbered(entries as Record<string, MetricEntry>) as NumberedMetrics<typeof entries>;
