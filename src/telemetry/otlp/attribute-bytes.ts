import type { AttributeDefinition } from '../catalogue.ts';
import type { TextSlice } from '../records/span-visitor.ts';
import { KEY_WORDS, MAX_CONSTANT_BYTES, writeConstant } from './constant-words.ts';
import { ANY_VALUE, KEY_VALUE, SPAN } from './field-tags.ts';
import { type SpanBytes, textFieldBytes } from './span-bytes.ts';
import { PADDED_INT_BYTES, varintBytes, writePaddedInt } from './varint.ts';

/** Tags and lengths of a KeyValue, at their widest, and its key. */
export const KEY_ROOM = MAX_CONSTANT_BYTES + 32;
const KEY_AT = 4;
const ONE_BYTE = 0x80;
const TWO_BYTES = 0x4000;
const DOUBLE_BYTES = 8;
const MIN_INT64 = -(2 ** 63);
const MAX_INT64 = 2 ** 63;

/** An attribute of type string, with lengths of one byte where the text is short. */
export function writeText(out: SpanBytes, attribute: AttributeDefinition, value: TextSlice): void {
  const { id } = attribute;
  const length = value.end - value.start;
  if (keyValueBytes(id, length + 3) >= ONE_BYTE) {
    writeTextField(out, SPAN.attribute, id, value);
    return;
  }
  if (!out.hasRoom(KEY_ROOM + length)) return;
  const at = writeKey(out, id, length + 3);
  out.view.setInt32(at, (length + 2) | (ANY_VALUE.string << 8) | (length << 16), true);
  out.at = at + 3;
  out.text(value);
}

/** A KeyValue with a text of any length, as field `tag` of a span or an event. */
export function writeTextField(out: SpanBytes, tag: number, id: number, value: TextSlice): void {
  const length = value.end - value.start;
  if (!out.hasRoom(KEY_ROOM + length)) return;
  const anyValueBytes = textFieldBytes(length);
  out.varint(tag);
  out.varint(keyValueBytes(id, varintBytes(anyValueBytes) + anyValueBytes));
  writeKeyField(out, id);
  out.varint(anyValueBytes);
  out.textField(ANY_VALUE.string, value);
}

/** The field `key` of a KeyValue and the tag of its value. */
export function writeKeyField(out: SpanBytes, id: number): void {
  out.varint(KEY_VALUE.key);
  out.varint(KEY_WORDS.lengths[id]! - 1);
  out.at = writeConstant(out.view, out.at, KEY_WORDS, id);
}

/** An attribute of type int, double or boolean (0 or 1). */
export function writeNumber(out: SpanBytes, attribute: AttributeDefinition, value: number): void {
  const { id, type } = attribute;
  if (type === 'int') writeInt(out, id, value);
  else if (type === 'boolean') writeShort(out, id, ANY_VALUE.boolean, value === 0 ? 0 : 1);
  else writeDouble(out, id, value);
}

/** An int in ten bytes, whatever it is, so that another can be written over it: they end where the buffer now ends. */
export function writeWideInt(out: SpanBytes, id: number, value: number): void {
  if (!out.hasRoom(KEY_ROOM)) return;
  const at = writeKey(out, id, 2 + PADDED_INT_BYTES);
  out.view.setUint16(at, (1 + PADDED_INT_BYTES) | (ANY_VALUE.int << 8), true);
  writePaddedInt(out.view, at + 2, value);
  out.at = at + 2 + PADDED_INT_BYTES;
}

function writeInt(out: SpanBytes, id: number, value: number): void {
  const low = value & (TWO_BYTES - 1);
  if (low === value) writeShort(out, id, ANY_VALUE.int, low);
  else if (isInt64(value)) writeWideInt(out, id, value);
  else writeDouble(out, id, value);
}

/** Whether an attribute of type int is written as one; everything else is written as a double. */
export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= MIN_INT64 && value < MAX_INT64;
}

/** A varint of one or two bytes. */
function writeShort(out: SpanBytes, id: number, tag: number, value: number): void {
  if (!out.hasRoom(KEY_ROOM)) return;
  if (value < ONE_BYTE) {
    const at = writeKey(out, id, 3);
    out.view.setInt32(at, 2 | (tag << 8) | (value << 16), true);
    out.at = at + 3;
  } else {
    const at = writeKey(out, id, 4);
    out.view.setInt32(at, 3 | (tag << 8) | (((value & 0x7f) | 0x80) << 16) | ((value >> 7) << 24), true);
    out.at = at + 4;
  }
}

function writeDouble(out: SpanBytes, id: number, value: number): void {
  if (!out.hasRoom(KEY_ROOM)) return;
  const at = writeKey(out, id, 2 + DOUBLE_BYTES);
  out.view.setUint16(at, (1 + DOUBLE_BYTES) | (ANY_VALUE.double << 8), true);
  out.view.setFloat64(at + 2, value, true);
  out.at = at + 2 + DOUBLE_BYTES;
}

/** Everything before the value (its length, and as many bytes), where all lengths take one byte. Where it begins. */
function writeKey(out: SpanBytes, id: number, valueBytes: number): number {
  const { view, at } = out;
  const keyBytes = KEY_WORDS.lengths[id]! - 1;
  view.setInt32(
    at,
    SPAN.attribute | (keyValueBytes(id, valueBytes) << 8) | (KEY_VALUE.key << 16) | (keyBytes << 24),
    true,
  );
  return writeConstant(view, at + KEY_AT, KEY_WORDS, id);
}

/** Length of a KeyValue: tag and length of the key, the key, the tag of the value, and then so many bytes. */
function keyValueBytes(id: number, valueBytes: number): number {
  return 2 + KEY_WORDS.lengths[id]! + valueBytes;
}
