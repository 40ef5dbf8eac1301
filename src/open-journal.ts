import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/schema.ts';
import { DurabilityRouter } from './journal/durability-router.ts';
import { MemoryJournal } from './journal/engines/memory/memory-journal.ts';
import { SegmentJournal } from './journal/engines/segment/segment-journal.ts';
import type { SegmentEvent } from './journal/engines/segment/shard-environment.ts';
import type { Journal } from './journal/journal.ts';
import type { Drop, JournalStats, ShardStats } from './journal/journal-stats.ts';
import { TracedJournal } from './journal/traced-journal.ts';
import { LOG_EVENTS, type LogEventDefinition, METRICS } from './telemetry/catalogue.ts';
import type { Log } from './telemetry/log.ts';
import { type CounterId, counterId, histogramId, type Metrics } from './telemetry/metrics.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

const HOUR_MS = 3_600_000;
const SYNCS = counterId(METRICS.journalSyncsTotal);
const SYNC_DURATION = histogramId(METRICS.journalSyncDurationSeconds);
const COMMIT_RECORDS = histogramId(METRICS.journalCommitRecords);
const COUNTED: readonly (readonly [CounterId, Exclude<keyof JournalStats, 'shards'>])[] = [
  [counterId(METRICS.journalAppendsTotal), 'batches'],
  [counterId(METRICS.journalRecordsTotal), 'records'],
  [counterId(METRICS.journalBytesTotal), 'bytes'],
  [counterId(METRICS.journalAppendErrorsTotal), 'rejectedBatches'],
  [counterId(METRICS.journalReadRecordsTotal), 'readRecords'],
  [counterId(METRICS.journalTruncatedBytesTotal), 'truncatedBytes'],
  [counterId(METRICS.journalTrimmedRecordsTotal), 'trimmedRecords'],
];
const DROPPED_RETENTION = counterId(METRICS.messagesDroppedTotal, 'retention');

/** The configured journal: shards in memory, shards on disk, with its work on the traces, in metrics and in the log. */
export async function openJournal(config: Config, telemetry: Telemetry, clock: Clock): Promise<Journal> {
  const { recording, metrics, log } = telemetry;
  const onDrop = (drop: Drop): void => {
    metrics.add(DROPPED_RETENTION, drop.records);
    log.write(LOG_EVENTS.journalTrimmedUnread, { ...drop });
  };
  const memory = new MemoryJournal({ clock, maxBytes: config.journal.memoryBytes, onDrop });
  const disk =
    config.journal.engine === 'segment'
      ? await openSegments(config, metrics, log, clock, onDrop)
      : new MemoryJournal({ clock, maxBytes: config.journal.memoryBytes, onDrop });
  observe(metrics, () => [memory.stats(), disk.stats()]);
  log.write(LOG_EVENTS.journalOpened, { engine: config.journal.engine, sync: config.journal.sync });
  return new TracedJournal(new DurabilityRouter(memory, disk), recording, metrics, clock);
}

/** What the engines count themselves, of both together. */
function observe(metrics: Metrics, stats: () => readonly JournalStats[]): void {
  const ofEachShard = (read: (shard: ShardStats) => number) => () =>
    stats().flatMap(({ shards }) => shards.map((shard) => [shard.name, read(shard)] as const));
  metrics.gauge(
    METRICS.journalShardEnd,
    ofEachShard(({ end }) => end),
  );
  metrics.gauge(
    METRICS.journalShardRecords,
    ofEachShard(({ start, end }) => end - start),
  );
  metrics.gauge(
    METRICS.journalShardBytes,
    ofEachShard(({ bytes }) => bytes),
  );
  for (const [counter, key] of COUNTED)
    metrics.counted(counter, () => stats().reduce((sum, engine) => sum + engine[key], 0));
}

function openSegments(
  config: Config,
  metrics: Metrics,
  log: Log,
  clock: Clock,
  onDrop: (drop: Drop) => void,
): Promise<SegmentJournal> {
  const { sync, syncIntervalMs, segmentBytes, retentionBytes, retentionHours, retentionHardBytes } = config.journal;
  return SegmentJournal.open({
    folder: join(config.dataDir, 'journal'),
    clock,
    sync,
    syncIntervalMs,
    segmentBytes,
    retentionBytes,
    retentionMs: retentionHours * HOUR_MS,
    retentionHardBytes,
    onDrop,
    onEvent: (event) => tell(log, event),
    onCommit: (records, syncMs) => {
      metrics.observe(COMMIT_RECORDS, records);
      if (syncMs === 0) return;
      metrics.add(SYNCS);
      metrics.observe(SYNC_DURATION, syncMs / 1000);
    },
  });
}

const LOGGED_AS = {
  tail_truncated: LOG_EVENTS.journalTailTruncated,
  index_rebuilt: LOG_EVENTS.journalIndexRebuilt,
  append_failed: LOG_EVENTS.journalAppendFailed,
  append_recovered: LOG_EVENTS.journalAppendRecovered,
  trimmed: LOG_EVENTS.journalTrimmed,
  housekeeping_failed: LOG_EVENTS.journalHousekeepingFailed,
} as const satisfies Record<SegmentEvent['kind'], LogEventDefinition>;

function tell(log: Log, { kind, ...fields }: SegmentEvent): void {
  log.write(LOGGED_AS[kind], fields);
}
