import { crc32c } from '@node-rs/crc32';
import type { SpanBatch } from './span-batch.ts';

/*
 *   file    := header payload
 *   header  := magic:u32 header_crc32c:u32 payload_crc32c:u32 length:u32 spans:u32 traces:u32      (little-endian)
 *              header_crc32c covers what follows it in the header
 *   payload := an ExportTraceServiceRequest of `length` bytes
 *
 * The counts have a checksum of their own: what the payload held is known also when it cannot be read any more.
 */
const MAGIC = 0x31_53_54_52; // "RTS1"
const CHECKED_FROM = 8;
export const SPOOL_HEADER_BYTES = 24;

export interface SpoolHeader {
  readonly payloadChecksum: number;
  readonly length: number;
  readonly spans: number;
  readonly traces: number;
}

export function spoolFile(batch: SpanBatch): Buffer {
  const file = Buffer.allocUnsafe(SPOOL_HEADER_BYTES + batch.bytes.length);
  file.writeUInt32LE(MAGIC, 0);
  file.writeUInt32LE(crc32c(batch.bytes), 8);
  file.writeUInt32LE(batch.bytes.length, 12);
  file.writeUInt32LE(batch.spans, 16);
  file.writeUInt32LE(batch.traces, 20);
  file.writeUInt32LE(crc32c(file.subarray(CHECKED_FROM, SPOOL_HEADER_BYTES)), 4);
  file.set(batch.bytes, SPOOL_HEADER_BYTES);
  return file;
}

/** Undefined where the bytes are no header, or that of a file of another length. */
export function readSpoolHeader(header: Buffer, fileLength: number): SpoolHeader | undefined {
  if (header.length < SPOOL_HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
  if (header.readUInt32LE(4) !== crc32c(header.subarray(CHECKED_FROM, SPOOL_HEADER_BYTES))) return undefined;
  const length = header.readUInt32LE(12);
  if (fileLength !== SPOOL_HEADER_BYTES + length) return undefined;
  return {
    payloadChecksum: header.readUInt32LE(8),
    length,
    spans: header.readUInt32LE(16),
    traces: header.readUInt32LE(20),
  };
}

/** Undefined where the file is not, to the bit, what was written. */
export function readSpoolFile(file: Buffer): SpanBatch | undefined {
  const header = readSpoolHeader(file, file.length);
  if (header === undefined) return undefined;
  const bytes = file.subarray(SPOOL_HEADER_BYTES);
  if (crc32c(bytes) !== header.payloadChecksum) return undefined;
  return { bytes, spans: header.spans, traces: header.traces };
}

/** One request of several: protobuf reads messages that follow each other as one with the repeated fields of all. */
export function merged(batches: readonly SpanBatch[]): SpanBatch {
  if (batches.length === 1) return batches[0]!;
  return {
    bytes: Buffer.concat(batches.map(({ bytes }) => bytes)),
    spans: batches.reduce((sum, { spans }) => sum + spans, 0),
    traces: batches.reduce((sum, { traces }) => sum + traces, 0),
  };
}
