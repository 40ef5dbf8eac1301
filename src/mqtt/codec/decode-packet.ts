import { type PacketName, packetNameOf, requiredHeaderFlags } from '../packet-type.ts';
import type { Packet, ProtocolVersion } from '../packets.ts';
import type { ReasonCode } from '../reason-code.ts';
import { decodeAck } from './ack.ts';
import { decodeAuth } from './auth.ts';
import { decodeConnack } from './connack.ts';
import { decodeConnect } from './connect.ts';
import { DecodeFailure, malformed } from './decode-failure.ts';
import { decodeDisconnect } from './disconnect.ts';
import { PacketReader } from './packet-reader.ts';
import { decodePublish } from './publish.ts';
import { decodeSuback, decodeSubscribe } from './subscribe.ts';
import { decodeUnsuback, decodeUnsubscribe } from './unsubscribe.ts';

/** `version` of a failure: what a refused CONNECT stated, if it got so far, so that it can be answered in kind. */
export type DecodeResult =
  | { readonly ok: true; readonly packet: Packet }
  | {
      readonly ok: false;
      readonly reasonCode: ReasonCode;
      readonly message: string;
      readonly version: ProtocolVersion;
    };

/**
 * Decodes one whole packet, of either direction, from a frame's header byte and body [bodyStart, end). Whatever the bytes
 * are, it answers; a failure has the reason code that the specification names.
 */
export function decodePacket(
  buffer: Uint8Array,
  headerByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): DecodeResult {
  const reader = new PacketReader(buffer, bodyStart, end, version);
  try {
    const packet = decodeBody(reader, headerByte);
    reader.expectEnd();
    return { ok: true, packet };
  } catch (failure) {
    if (!(failure instanceof DecodeFailure)) throw failure;
    return { ok: false, reasonCode: failure.reasonCode, message: failure.message, version: reader.version };
  }
}

function decodeBody(reader: PacketReader, headerByte: number): Packet {
  const name = packetNameOf(headerByte);
  if (name === undefined) throw malformed('packet type 0 is forbidden (table 2-1)');
  if (name === 'publish') return decodePublish(reader, headerByte);
  if ((headerByte & 0b1111) !== requiredHeaderFlags(name)) {
    throw malformed(`reserved header flags of ${name} are wrong [MQTT-2.1.3-1]`);
  }
  return decodeNamed(reader, name);
}

function decodeNamed(reader: PacketReader, name: Exclude<PacketName, 'publish'>): Packet {
  switch (name) {
    case 'connect':
      return decodeConnect(reader);
    case 'connack':
      return decodeConnack(reader);
    case 'puback':
      return decodeAck(reader, name);
    case 'pubrec':
      return decodeAck(reader, name);
    case 'pubrel':
      return decodeAck(reader, name);
    case 'pubcomp':
      return decodeAck(reader, name);
    case 'subscribe':
      return decodeSubscribe(reader);
    case 'suback':
      return decodeSuback(reader);
    case 'unsubscribe':
      return decodeUnsubscribe(reader);
    case 'unsuback':
      return decodeUnsuback(reader);
    case 'pingreq':
    case 'pingresp':
      return { type: name }; // No body (sections 3.12 and 3.13).
    case 'disconnect':
      return decodeDisconnect(reader);
    case 'auth':
      return decodeAuth(reader);
  }
}
