import { assert } from '../../base/errors.ts';
import {
  VARIABLE_BYTE_INTEGER_MAXIMUM,
  variableByteIntegerSize,
  writeVariableByteInteger,
} from '../variable-byte-integer.ts';

const PREFIXED_MAXIMUM_BYTES = 0xffff;

/** What the codecs write to: once to learn the size, once for the bytes. */
export interface ByteWriter {
  byte(value: number): void;
  twoByteInteger(value: number): void;
  fourByteInteger(value: number): void;
  variableByteInteger(value: number): void;
  /** UTF-8 with a two byte length in front. */
  string(value: string): void;
  /** With a two byte length in front. */
  binaryData(value: Uint8Array): void;
  bytes(value: Uint8Array): void;
}

export class SizeCounter implements ByteWriter {
  size = 0;

  byte(): void {
    this.size += 1;
  }

  twoByteInteger(): void {
    this.size += 2;
  }

  fourByteInteger(): void {
    this.size += 4;
  }

  variableByteInteger(value: number): void {
    assert(value <= VARIABLE_BYTE_INTEGER_MAXIMUM, 'a variable byte integer fits in four bytes');
    this.size += variableByteIntegerSize(value);
  }

  string(value: string): void {
    this.#prefixed(Buffer.byteLength(value));
  }

  binaryData(value: Uint8Array): void {
    this.#prefixed(value.length);
  }

  bytes(value: Uint8Array): void {
    this.size += value.length;
  }

  #prefixed(length: number): void {
    assert(length <= PREFIXED_MAXIMUM_BYTES, 'a string or binary field has at most 65535 bytes');
    this.size += 2 + length;
  }
}

/** Fills a buffer whose size was counted before. */
export class BufferWriter implements ByteWriter {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  byte(value: number): void {
    this.#position = this.#buffer.writeUInt8(value, this.#position);
  }

  twoByteInteger(value: number): void {
    this.#position = this.#buffer.writeUInt16BE(value, this.#position);
  }

  fourByteInteger(value: number): void {
    this.#position = this.#buffer.writeUInt32BE(value, this.#position);
  }

  variableByteInteger(value: number): void {
    this.#position = writeVariableByteInteger(this.#buffer, this.#position, value);
  }

  string(value: string): void {
    const length = this.#buffer.write(value, this.#position + 2);
    this.twoByteInteger(length);
    this.#position += length;
  }

  binaryData(value: Uint8Array): void {
    this.twoByteInteger(value.length);
    this.bytes(value);
  }

  bytes(value: Uint8Array): void {
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
  }
}
