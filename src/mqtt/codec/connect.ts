import type { ConnectPacket, ProtocolVersion, Qos, Will } from '../packets.ts';
import type { ByteWriter } from './byte-writer.ts';
import { DecodeFailure, malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * CONNECT (MQTT 5 section 3.1)
 *   body    = protocol name ("MQTT"; "MQIsdp" in 3.1), protocol level (3, 4, 5), connect flags, keep alive (two bytes),
 *             [properties in 5.0], client identifier (string),
 *             [[will properties in 5.0], will topic (string), will payload (binary)] if will,
 *             [user name (string)] if user name, [password (binary)] if password
 *   flags   = user name, password, will retain, will qos (2), will, clean start, reserved 0
 */
const Flag = {
  reserved: 0x01,
  cleanStart: 0x02,
  will: 0x04,
  willQos: 0x18,
  willRetain: 0x20,
  password: 0x40,
  userName: 0x80,
} as const;
const WILL_QOS_SHIFT = 3;

const PROTOCOL_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' };

export function decodeConnect(reader: PacketReader): ConnectPacket {
  const protocolVersion = readVersion(reader);
  reader.version = protocolVersion;
  const flags = reader.byte();
  checkFlags(flags, protocolVersion);
  const keepAliveSeconds = reader.twoByteInteger();
  const properties = readProperties(reader, 'connect');
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError('authentication data without an authentication method (section 3.1.2.11.10)');
  }
  const cleanStart = (flags & Flag.cleanStart) !== 0;
  const packet: ConnectPacket = {
    type: 'connect',
    protocolVersion,
    cleanStart,
    keepAliveSeconds,
    clientId: readClientId(reader, cleanStart),
    properties,
  };
  if (flags & Flag.will) packet.will = readWill(reader, flags);
  if (flags & Flag.userName) packet.userName = reader.string();
  if (flags & Flag.password) packet.password = reader.binaryData();
  return packet;
}

function readVersion(reader: PacketReader): ProtocolVersion {
  const name = reader.string();
  const level = reader.byte();
  if ((level !== 3 && level !== 4 && level !== 5) || PROTOCOL_NAMES[level] !== name) {
    // [MQTT-3.1.2-1] [MQTT-3.1.2-2]; from 5 on it is answered in the form of 5.0, the latest that is spoken.
    if (level >= 5) reader.version = 5;
    throw new DecodeFailure(
      'unsupportedProtocolVersion',
      `protocol ${JSON.stringify(name)} level ${level} is not spoken`,
    );
  }
  return level;
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  if (flags & Flag.reserved) throw malformed('the reserved connect flag is set [MQTT-3.1.2-3]');
  if ((flags & Flag.willQos) === Flag.willQos) throw malformed('will QoS 3 [MQTT-3.1.2-12]');
  if (!(flags & Flag.will) && flags & (Flag.willQos | Flag.willRetain)) {
    throw malformed('will QoS or will retain without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]');
  }
  if (version !== 5 && flags & Flag.password && !(flags & Flag.userName)) {
    throw malformed('a password without a user name [MQTT-3.1.2-22 of 3.1.1]');
  }
}

function readClientId(reader: PacketReader, cleanStart: boolean): string {
  const clientId = reader.string();
  if (clientId !== '' || reader.version === 5) return clientId;
  if (reader.version === 3) {
    throw new DecodeFailure('clientIdentifierNotValid', 'MQTT 3.1 has no empty client identifier (section 3.1)');
  }
  if (!cleanStart) {
    const message = 'an empty client identifier needs a clean session [MQTT-3.1.3-8 of 3.1.1]';
    throw new DecodeFailure('clientIdentifierNotValid', message);
  }
  return clientId;
}

function readWill(reader: PacketReader, flags: number): Will {
  return {
    properties: readProperties(reader, 'will'),
    topic: reader.topicName(),
    payload: reader.binaryData(),
    qos: ((flags & Flag.willQos) >> WILL_QOS_SHIFT) as Qos,
    retain: (flags & Flag.willRetain) !== 0,
  };
}

export function encodeConnect(packet: ConnectPacket, out: ByteWriter): void {
  const { protocolVersion, will, userName, password } = packet;
  out.string(PROTOCOL_NAMES[protocolVersion]);
  out.byte(protocolVersion);
  out.byte(flagsOf(packet));
  out.twoByteInteger(packet.keepAliveSeconds);
  writeProperties(out, protocolVersion, 'connect', packet.properties);
  out.string(packet.clientId);
  if (will !== undefined) {
    writeProperties(out, protocolVersion, 'will', will.properties);
    out.string(will.topic);
    out.binaryData(will.payload);
  }
  if (userName !== undefined) out.string(userName);
  if (password !== undefined) out.binaryData(password);
}

function flagsOf({ cleanStart, will, userName, password }: ConnectPacket): number {
  return (
    (cleanStart ? Flag.cleanStart : 0) |
    (will === undefined ? 0 : Flag.will | (will.qos << WILL_QOS_SHIFT) | (will.retain ? Flag.willRetain : 0)) |
    (password === undefined ? 0 : Flag.password) |
    (userName === undefined ? 0 : Flag.userName)
  );
}
