import type { Journal } from '../../journal/journal.ts';
import { RecordKind, RecordView } from '../../journal/record-batch.ts';
import { listAll } from '../../placement/listing.ts';
import type { Placement } from '../../placement/placement.ts';
import { sessions as sessionRecords } from '../../placement/sessions.ts';
import { SessionRecovery } from '../session/recover.ts';
import type { GroupRecovery } from '../session/recover-groups.ts';
import { publisherOf } from '../session/session.ts';
import { readSessionEvents } from '../session/session-event.ts';
import { decodeSessionRecord, type SessionRecord } from '../session/session-record.ts';
import { type CheckpointMarker, checkpointKey, decodeMarker } from './checkpoint.ts';

const READ_RECORDS = 4096;
const READ_BYTES = 4 * 1024 * 1024;

export interface RecoveredState {
  readonly sessions: readonly SessionRecord[];
  readonly marker: CheckpointMarker;
  readonly groups: GroupRecovery;
}

/** Sessions as they were when the broker stopped, however it stopped: the last checkpoint and what the logs say since. */
export async function recoverSessions(parts: {
  placement: Placement;
  journal: Journal;
  brokerId: string;
  sessionShard: string;
  /** Shards that survive a restart. */
  shards: readonly { readonly name: string; readonly number: number }[];
}): Promise<RecoveredState> {
  const { placement, journal, sessionShard } = parts;
  const checkpoints: SessionRecord[] = [];
  for await (const entry of listAll(placement, sessionRecords.prefix))
    checkpoints.push(decodeSessionRecord(sessionRecords.decode(entry).value));
  const marker = decodeMarker((await placement.get(checkpointKey(parts.brokerId)))?.value);
  const recovery = new SessionRecovery(checkpoints);
  const record = new RecordView();

  await readAll(journal, sessionShard, marker.sessionLog, (buffer, position) => {
    record.at(buffer, position);
    readSessionEvents(record.buffer, record.payloadStart, record.payloadEnd, recovery);
  });
  const starts = new Map(marker.shards);
  for (const { name, number } of parts.shards)
    await readAll(journal, name, starts.get(number) ?? 0, (buffer, position, offset) => {
      record.at(buffer, position);
      // A will came in no PUBLISH, and no PUBREL will release it.
      if (record.kind !== RecordKind.message || record.qos !== 2 || record.packetId === 0) return;
      recovery.message(publisherOf(record), record.packetId, number, offset);
    });
  return { sessions: [...recovery.records()], marker, groups: recovery.groups };
}

async function readAll(
  journal: Journal,
  shard: string,
  from: number,
  visit: (buffer: Uint8Array, position: number, offset: number) => void,
): Promise<void> {
  for (let next = from; ; ) {
    const result = await journal.read(shard, { from: next, maxRecords: READ_RECORDS, maxBytes: READ_BYTES });
    for (const { buffer, position, offset } of result.entries) visit(buffer, position, offset);
    next = result.next;
    if (next >= result.end) return;
  }
}
