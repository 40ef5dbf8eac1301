import type { PacketType } from '../packet-type.ts';
import type { ProtocolVersion } from '../packets.ts';
import { mayCarry, ReasonCode, reasonName } from '../reason-code.ts';
import { validateTopicName } from '../topic.ts';
import { isWellFormedUtf8 } from '../utf8.ts';
import { readVariableByteInteger, variableByteIntegerSize } from '../variable-byte-integer.ts';
import { DecodeFailure, malformed, protocolError } from './decode-failure.ts';

/** Reads a packet's body from front to end; every method throws DecodeFailure where the bytes do not hold what it reads. */
export class PacketReader {
  /** Of the connection, or as a CONNECT states it once that is read. */
  version: ProtocolVersion;
  readonly #buffer: Buffer;
  #position: number;
  readonly #end: number;

  constructor(buffer: Uint8Array, start: number, end: number, version: ProtocolVersion) {
    this.#buffer = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.#position = start;
    this.#end = end;
    this.version = version;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  byte(): number {
    return this.#buffer[this.#advance(1)]!;
  }

  twoByteInteger(): number {
    return this.#buffer.readUInt16BE(this.#advance(2));
  }

  fourByteInteger(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  variableByteInteger(): number {
    const value = readVariableByteInteger(this.#buffer, this.#position, this.#end);
    if (value < 0) throw malformed('a variable byte integer is cut, too long or not the shortest [MQTT-1.5.5-1]');
    this.#advance(variableByteIntegerSize(value));
    return value;
  }

  string(): string {
    const length = this.twoByteInteger();
    const start = this.#advance(length);
    if (!isWellFormedUtf8(this.#buffer, start, start + length)) {
      throw malformed('a string is not well formed UTF-8 [MQTT-1.5.4-1] [MQTT-1.5.4-2]');
    }
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** `orEmpty` where an alias may stand for the topic. */
  topicName(orEmpty = false): string {
    const length = this.twoByteInteger();
    const start = this.#advance(length);
    const reason =
      orEmpty && length === 0 ? ReasonCode.success : validateTopicName(this.#buffer, start, start + length);
    if (reason !== ReasonCode.success) {
      throw new DecodeFailure(reasonName(reason), 'not a topic name [MQTT-3.3.2-2] [MQTT-4.7.3-1]');
    }
    return this.#buffer.toString('utf8', start, start + length);
  }

  binaryData(): Uint8Array {
    return this.bytes(this.twoByteInteger());
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return new Uint8Array(this.#buffer.subarray(start, start + length));
  }

  packetId(): number {
    const packetId = this.twoByteInteger();
    if (packetId === 0) throw protocolError('the packet identifier is 0 [MQTT-2.2.1-3]');
    return packetId;
  }

  /** A reason code that a packet of this type may carry. */
  reasonCode(type: PacketType): ReasonCode {
    const byte = this.byte();
    if (!mayCarry(type, byte)) throw protocolError(`reason code 0x${byte.toString(16)} is not one of this packet's`);
    return byte;
  }

  /** A reader of the next bytes alone; this one goes on behind them. */
  block(length: number): PacketReader {
    const start = this.#advance(length);
    return new PacketReader(this.#buffer, start, start + length, this.version);
  }

  expectEnd(): void {
    if (this.remaining > 0) throw malformed(`${this.remaining} bytes are left over at the end of the packet`);
  }

  /** Returns where the bytes begin that it goes past. */
  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#end - start) throw malformed('the packet ends in the middle of a field');
    this.#position += length;
    return start;
  }
}
