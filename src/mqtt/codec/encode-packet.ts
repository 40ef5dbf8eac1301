import { frameSize } from '../frame.ts';
import { PacketType, requiredHeaderFlags } from '../packet-type.ts';
import type { Packet, ProtocolVersion } from '../packets.ts';
import { encodeAck } from './ack.ts';
import { encodeAuth } from './auth.ts';
import { BufferWriter, type ByteWriter, SizeCounter } from './byte-writer.ts';
import { encodeConnack } from './connack.ts';
import { encodeConnect } from './connect.ts';
import { encodeDisconnect } from './disconnect.ts';
import { encodePublish, publishHeaderFlags } from './publish.ts';
import { encodeSuback, encodeSubscribe } from './subscribe.ts';
import { encodeUnsuback, encodeUnsubscribe } from './unsubscribe.ts';

/** Encodes a packet as the version has it (a CONNECT as the version it states); properties are left out in 3.1.1. */
export function encodePacket(packet: Packet, version: ProtocolVersion): Buffer {
  const length = bodySize(packet, version);
  const buffer = Buffer.allocUnsafe(frameSize(length));
  const out = new BufferWriter(buffer);
  const flags = packet.type === 'publish' ? publishHeaderFlags(packet) : requiredHeaderFlags(packet.type);
  out.byte((PacketType[packet.type] << 4) | flags);
  out.variableByteInteger(length);
  encodeBody(packet, version, out);
  return buffer;
}

/** Bytes of the whole packet, as counted against the peer's maximum packet size. */
export function encodedSize(packet: Packet, version: ProtocolVersion): number {
  return frameSize(bodySize(packet, version));
}

function bodySize(packet: Packet, version: ProtocolVersion): number {
  const counter = new SizeCounter();
  encodeBody(packet, version, counter);
  return counter.size;
}

function encodeBody(packet: Packet, version: ProtocolVersion, out: ByteWriter): void {
  switch (packet.type) {
    case 'connect':
      encodeConnect(packet, out);
      break;
    case 'connack':
      encodeConnack(packet, version, out);
      break;
    case 'publish':
      encodePublish(packet, version, out);
      break;
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      encodeAck(packet, version, out);
      break;
    case 'subscribe':
      encodeSubscribe(packet, version, out);
      break;
    case 'suback':
      encodeSuback(packet, version, out);
      break;
    case 'unsubscribe':
      encodeUnsubscribe(packet, version, out);
      break;
    case 'unsuback':
      encodeUnsuback(packet, version, out);
      break;
    case 'pingreq':
    case 'pingresp':
      break;
    case 'disconnect':
      encodeDisconnect(packet, version, out);
      break;
    case 'auth':
      encodeAuth(packet, version, out);
      break;
  }
}
