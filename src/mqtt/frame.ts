import {
  readVariableByteInteger,
  VARIABLE_BYTE_INTEGER_MALFORMED,
  variableByteIntegerSize,
} from './variable-byte-integer.ts';

/*
 * packet = header byte (type << 4 | flags), remaining length (variable byte integer), body of that many bytes
 */

export const FrameStatus = {
  complete: 0,
  /** More bytes must come. */
  incomplete: 1,
  /** The remaining length is no Variable Byte Integer. */
  malformed: 2,
  /** The whole packet is larger than allowed; known before its body has come. */
  tooLarge: 3,
} as const;
export type FrameStatus = (typeof FrameStatus)[keyof typeof FrameStatus];

/** Where a packet lies in the buffer. One object is reused for every packet. */
export class FrameScan {
  headerByte = 0;
  bodyStart = 0;
  /** After the last byte; may lie past the bytes there are (incomplete). -1 while the length is not known. */
  end = 0;
}

/** Bytes of a whole packet whose body has `length`, which is its remaining length. */
export function frameSize(length: number): number {
  return 1 + variableByteIntegerSize(length) + length;
}

/**
 * Finds the packet that begins at `start`, of the bytes up to `end`. `maximumPacketSize` counts header and length too
 * (MQTT 5 section 3.1.2.11.4).
 */
export function scanFrame(
  buffer: Uint8Array,
  start: number,
  end: number,
  maximumPacketSize: number,
  out: FrameScan,
): FrameStatus {
  out.end = -1;
  if (start >= end) return FrameStatus.incomplete;
  out.headerByte = buffer[start]!;
  const length = readVariableByteInteger(buffer, start + 1, end);
  if (length < 0) {
    return length === VARIABLE_BYTE_INTEGER_MALFORMED ? FrameStatus.malformed : FrameStatus.incomplete;
  }
  out.bodyStart = start + 1 + variableByteIntegerSize(length);
  out.end = out.bodyStart + length;
  if (out.end - start > maximumPacketSize) return FrameStatus.tooLarge;
  return out.end > end ? FrameStatus.incomplete : FrameStatus.complete;
}
