import type { JournalEntry, ReadRequest } from '../journal.ts';
import { NO_EXPIRY, RecordBatch, type RecordFields, RecordKind, RecordView } from '../record-batch.ts';

export interface TestRecord {
  readonly topic: string;
  readonly payload: string;
  readonly kind?: RecordKind;
  readonly timestamp?: number;
  /** Of its trace; without one it is not traced. */
  readonly context?: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export function addRecord(batch: RecordBatch, { topic, payload, kind, timestamp, context }: TestRecord): number {
  const bytes = Buffer.from(payload);
  const fields: RecordFields = {
    kind: kind ?? RecordKind.message,
    qos: 1,
    retain: false,
    packetId: 0,
    timestamp: timestamp ?? 0,
    expirySeconds: NO_EXPIRY,
  };
  return batch.add(fields, Buffer.from(topic), NOTHING, NOTHING, 0, 0, bytes, 0, bytes.length, context, 0);
}

export function batchOf(...records: readonly TestRecord[]): RecordBatch {
  const batch = new RecordBatch(256);
  for (const record of records) addRecord(batch, record);
  return batch;
}

/** A batch of messages on topic `t`, one for each payload. */
export function payloads(...texts: readonly string[]): RecordBatch {
  return batchOf(...texts.map((payload) => ({ topic: 't', payload })));
}

export function payloadOf({ buffer, position }: JournalEntry): string {
  const view = new RecordView().at(buffer, position);
  return Buffer.from(buffer.subarray(view.payloadStart, view.payloadEnd)).toString();
}

/** Reads everything from an offset on, as fast as the limits allow. */
export const everythingFrom = (from: number, filters?: readonly string[]): ReadRequest => ({
  from,
  maxRecords: 1_000_000,
  maxBytes: Number.MAX_SAFE_INTEGER,
  ...(filters === undefined ? {} : { filters }),
});
