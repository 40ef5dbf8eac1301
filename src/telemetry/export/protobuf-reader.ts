/** The rest of a message cannot be read: it ends too early, or has a type of the wire that proto3 does not use. */
export class ProtobufError extends Error {}

export const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** Reads protobuf field by field. Integers are bigints: 64 bits do not fit a number. */
export class ProtobufReader {
  /** Of the field read last. */
  field = 0;
  wireType = 0;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads the next tag. False at the end. */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    const tag = Number(this.varint());
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    return true;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#take(1)]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a varint has more than ten bytes');
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** The bytes where they lie, not a copy. */
  delimited(): Buffer {
    const length = Number(this.varint());
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Leaves out the value of the field read last. */
  skip(): void {
    if (this.wireType === WIRE.varint) this.varint();
    else if (this.wireType === WIRE.fixed64) this.#take(8);
    else if (this.wireType === WIRE.delimited) this.delimited();
    else if (this.wireType === WIRE.fixed32) this.#take(4);
    else throw new ProtobufError(`field ${this.field} has the wire type ${this.wireType}`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw new ProtobufError('the message ends within a field');
    this.#at = at + length;
    return at;
  }
}
