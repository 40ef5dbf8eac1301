/** A trace context as data: trace id (16 bytes), span id (8), flags (1, bit 0 = sampled). All zero: no trace. */
export const CONTEXT_BYTES = 25;
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;
export const SPAN_ID_AT = 16;
export const FLAGS_AT = 24;
export const SAMPLED_FLAG = 1;
/** Set beside it in contexts of this broker's own, and never sent: it was the caller's flag that chose the trace. */
export const FORCED_FLAG = 0x80;
/** Length of a version 00 `traceparent` (W3C Trace Context, section 3.2). */
export const TRACEPARENT_BYTES = 55;

const DASH = 0x2d;
const TRACE_ID_TEXT_AT = 3;
const SPAN_ID_TEXT_AT = 36;
const FLAGS_TEXT_AT = 53;

const HEX_DIGITS = new Uint8Array(16);
/** Value of each byte as a lower-case hex digit; -1 where it is none. */
const HEX_VALUES = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit += 1) {
  const code = digit.toString(16).charCodeAt(0);
  HEX_DIGITS[digit] = code;
  HEX_VALUES[code] = digit;
}
/** The two hex digits of each byte, for ids as strings. */
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function isSampled(context: Uint8Array, offset = 0): boolean {
  return (context[offset + FLAGS_AT]! & SAMPLED_FLAG) !== 0;
}

export function isForced(context: Uint8Array, offset = 0): boolean {
  return (context[offset + FLAGS_AT]! & FORCED_FLAG) !== 0;
}

/** True when trace id and span id are both non-zero, as W3C Trace Context requires of a valid context. */
export function hasTrace(context: Uint8Array, offset = 0): boolean {
  return (
    !isZero(context, offset, offset + TRACE_ID_BYTES) &&
    !isZero(context, offset + SPAN_ID_AT, offset + SPAN_ID_AT + SPAN_ID_BYTES)
  );
}

/**
 * Reads a `traceparent` header lying in [start, end) as a context into `out` (25 bytes); false, with `out` unspecified,
 * when it is invalid and must be ignored. W3C Trace Context, section 3.2.2: lower-case hex only, ids not all zero,
 * version ff forbidden, version 00 exactly 55 bytes; a higher version may go on behind a further dash, and of its flags
 * only the sampled one is understood (section 4.3).
 */
export function parseTraceparent(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outOffset: number,
): boolean {
  const length = end - start;
  if (length < TRACEPARENT_BYTES || end > bytes.length) return false;
  const version = hexByte(bytes, start);
  if (version < 0 || version === 0xff) return false;
  if (length > TRACEPARENT_BYTES && (version === 0 || bytes[start + TRACEPARENT_BYTES] !== DASH)) return false;
  if (bytes[start + TRACE_ID_TEXT_AT - 1] !== DASH || bytes[start + SPAN_ID_TEXT_AT - 1] !== DASH) return false;
  if (bytes[start + FLAGS_TEXT_AT - 1] !== DASH) return false;
  const flags = hexByte(bytes, start + FLAGS_TEXT_AT);
  if (flags < 0) return false;
  if (!readHex(bytes, start + TRACE_ID_TEXT_AT, TRACE_ID_BYTES, out, outOffset)) return false;
  if (!readHex(bytes, start + SPAN_ID_TEXT_AT, SPAN_ID_BYTES, out, outOffset + SPAN_ID_AT)) return false;
  out[outOffset + FLAGS_AT] = version === 0 ? flags : flags & SAMPLED_FLAG;
  return hasTrace(out, outOffset);
}

/** Writes the context as a version 00 `traceparent`: 55 ASCII bytes. Of the flags only those this version defines. */
export function formatTraceparent(context: Uint8Array, offset: number, out: Uint8Array, outOffset: number): void {
  writeHexByte(0, out, outOffset);
  out[outOffset + TRACE_ID_TEXT_AT - 1] = DASH;
  writeHex(context, offset, TRACE_ID_BYTES, out, outOffset + TRACE_ID_TEXT_AT);
  out[outOffset + SPAN_ID_TEXT_AT - 1] = DASH;
  writeHex(context, offset + SPAN_ID_AT, SPAN_ID_BYTES, out, outOffset + SPAN_ID_TEXT_AT);
  out[outOffset + FLAGS_TEXT_AT - 1] = DASH;
  writeHexByte(context[offset + FLAGS_AT]! & SAMPLED_FLAG, out, outOffset + FLAGS_TEXT_AT);
}

/** `length` bytes as lower-case hex. */
function hexOf(bytes: Uint8Array, offset: number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += HEX_OF_BYTE[bytes[offset + index]!]!;
  return text;
}

export function traceIdOf(context: Uint8Array, offset = 0): string {
  return hexOf(context, offset, TRACE_ID_BYTES);
}

export function spanIdOf(context: Uint8Array, offset = 0): string {
  return hexOf(context, offset + SPAN_ID_AT, SPAN_ID_BYTES);
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) if (bytes[index] !== 0) return false;
  return true;
}

/** The byte that two hex digits stand for; negative when they are none. */
function hexByte(bytes: Uint8Array, at: number): number {
  return (HEX_VALUES[bytes[at]!]! << 4) | HEX_VALUES[bytes[at + 1]!]!;
}

function readHex(bytes: Uint8Array, at: number, count: number, out: Uint8Array, outOffset: number): boolean {
  for (let index = 0; index < count; index += 1) {
    const value = hexByte(bytes, at + index * 2);
    if (value < 0) return false;
    out[outOffset + index] = value;
  }
  return true;
}

function writeHex(bytes: Uint8Array, offset: number, count: number, out: Uint8Array, at: number): void {
  for (let index = 0; index < count; index += 1) writeHexByte(bytes[offset + index]!, out, at + index * 2);
}

function writeHexByte(value: number, out: Uint8Array, at: number): void {
  out[at] = HEX_DIGITS[value >> 4]!;
  out[at + 1] = HEX_DIGITS[value & 15]!;
}
