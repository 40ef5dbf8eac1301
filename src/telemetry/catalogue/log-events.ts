import { type Numbered, numbered } from './numbered.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

interface LogEventEntry {
  readonly name: string;
  readonly level: LogLevel;
  /** The sentence of the log line; what varies stands in the line's fields. */
  readonly message: string;
  /** Lines a second; what is more is left out, and counted in the next line. Left out: no limit. */
  readonly perSecond?: number;
}
export type LogEventDefinition = Numbered<LogEventEntry>;

const event = (name: string, level: LogLevel, message: string): LogEventEntry => ({ name, level, message });

/** Clients can bring it about as often as they like, and must not fill a disk by it. */
const ofClients = (name: string, level: LogLevel, message: string): LogEventEntry => ({
  ...event(name, level, message),
  perSecond: 50,
});

/** Comes with every request while it lasts. */
const oncePerSecond = (name: string, level: LogLevel, message: string): LogEventEntry => ({
  ...event(name, level, message),
  perSecond: 1,
});

export const LOG_EVENTS = numbered({
  processStarting: event('process.starting', 'info', 'RobustMQ is starting.'),
  processReady: event('process.ready', 'info', 'RobustMQ is ready.'),
  processDraining: event('process.draining', 'info', 'RobustMQ is draining: no new connections are taken.'),
  processStopped: event('process.stopped', 'info', 'RobustMQ has stopped.'),
  shutdownIncomplete: event('process.shutdown_incomplete', 'warn', 'A part did not stop within its limit.'),

  drainStarted: event('drain.started', 'info', 'The broker is being emptied: clients are told to use another server.'),
  drainDone: event('drain.done', 'info', 'No client is connected any more; the broker can be stopped.'),
  drainStopped: event('drain.stopped', 'info', 'The broker takes clients again.'),

  listenerOpened: event('listener.opened', 'info', 'A listener takes connections.'),
  certificatesLoaded: event('listener.certificates_loaded', 'info', 'A listener has new certificates.'),
  certificateExpired: event(
    'listener.certificate_expired',
    'warn',
    'The certificate of a listener has expired: clients that check it do not connect.',
  ),

  handshakeFailed: ofClients('connection.handshake_failed', 'info', 'A TLS or WebSocket handshake failed.'),
  connectionRefused: ofClients('connection.refused', 'info', 'A CONNECT was refused.'),
  connectionFailed: ofClients(
    'connection.failed',
    'info',
    'A connection was closed for a fault of the client or the network.',
  ),
  connectionBroken: event('connection.broken', 'error', 'A connection was closed for a fault of the broker.'),

  sessionsLoaded: event('session.loaded', 'info', 'The sessions of the last run were loaded.'),
  sessionSaveFailed: event('session.save_failed', 'error', 'A session could not be stored.'),
  retainedSaveFailed: event('retained.save_failed', 'error', 'A retained message could not be stored.'),
  accessRulesLoaded: event('access.rules_loaded', 'info', 'Users and access rules were loaded.'),
  accessRulesFailed: event(
    'access.rules_failed',
    'error',
    'Users and access rules could not be loaded; the old ones stay.',
  ),

  subscriptionsWithheld: ofClients(
    'access.subscriptions_withheld',
    'info',
    'The rules no longer allow subscriptions of a session: it gets nothing by them until they do.',
  ),

  keySetUnavailable: event(
    'access.key_set_unavailable',
    'warn',
    'The key set of tokens could not be fetched; the keys of the last fetch go on, and it is tried again.',
  ),

  routesRefused: event('routes.refused', 'error', 'Topic routes could not be read; the old ones stay.'),
  placementOpened: event('placement.opened', 'info', 'The placement engine is open.'),

  journalOpened: event('journal.opened', 'info', 'The journal is open.'),
  journalTailTruncated: event('journal.tail_truncated', 'warn', 'A torn tail was cut off a segment.'),
  journalIndexRebuilt: event('journal.index_rebuilt', 'warn', 'An index was rebuilt from its segment.'),
  journalAppendFailed: event('journal.append_failed', 'error', 'The journal cannot append.'),
  journalAppendRecovered: event('journal.append_recovered', 'info', 'The journal can append again.'),
  journalHousekeepingFailed: event(
    'journal.housekeeping_failed',
    'warn',
    'An index could not be written or a segment not removed; it is tried again, and nothing is lost.',
  ),
  journalTrimmed: event('journal.trimmed', 'info', 'Retention removed segments.'),
  journalTrimmedUnread: event(
    'journal.trimmed_unread',
    'warn',
    'Retention removed records that sessions had not read.',
  ),

  exportFailing: event(
    'export.failing',
    'warn',
    'Spans cannot be exported; they wait in memory and on disk until the collector is back.',
  ),
  exportRecovered: event('export.recovered', 'info', 'Spans are exported again.'),
  exportRejected: oncePerSecond(
    'export.rejected',
    'warn',
    'The collector did not take spans; they are dropped and counted.',
  ),
  exportSignalFailing: event(
    'export.signal_failing',
    'warn',
    'Metrics or log lines cannot be exported; some wait in memory, the oldest go for want of room.',
  ),
  exportSignalRecovered: event('export.signal_recovered', 'info', 'Metrics or log lines are exported again.'),
  exportSignalRejected: oncePerSecond(
    'export.signal_rejected',
    'warn',
    'The collector did not take metrics or log lines; they are dropped and counted.',
  ),
  exportSpoolFailing: event(
    'export.spool_failing',
    'error',
    'The spool of spans cannot be used; what does not fit into memory is dropped and counted until it can.',
  ),
  exporterBroken: event(
    'export.broken',
    'fatal',
    'The thread that exports spans has ended: they are recorded, but leave the process no more.',
  ),

  traceWatchesFailed: event(
    'trace_watches.failed',
    'warn',
    'A rule for watching traces could not be read or written; writing is tried again.',
  ),

  adminRequestFailed: event('admin.request_failed', 'error', 'A request to the admin API failed.'),
});
