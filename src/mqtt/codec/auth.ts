import { assert } from '../../base/errors.ts';
import { PacketType } from '../packet-type.ts';
import type { AuthPacket, ProtocolVersion } from '../packets.ts';
import { ReasonCode } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * AUTH (MQTT 5 section 3.15; not in 3.1.1)
 *   body = [reason code, properties]: both may be left out if the reason is success and there are no properties
 */

export function decodeAuth(reader: PacketReader): AuthPacket {
  if (reader.version !== 5) throw malformed('packet type 15 is forbidden in 3.1.1 (table 2.1)');
  if (reader.remaining === 0) return { type: 'auth', reasonCode: ReasonCode.success, properties: {} };
  const reasonCode = reader.reasonCode(PacketType.auth);
  const properties = readProperties(reader, 'auth');
  if (properties.authenticationMethod === undefined) {
    throw protocolError('AUTH without an authentication method (section 3.15.2.2.2)');
  }
  return { type: 'auth', reasonCode, properties };
}

export function encodeAuth(packet: AuthPacket, version: ProtocolVersion, out: ByteWriter): void {
  assert(version === 5, 'AUTH is sent in MQTT 5 only');
  if (packet.reasonCode === ReasonCode.success && Object.keys(packet.properties).length === 0) return;
  out.byte(packet.reasonCode);
  writeProperties(out, version, 'auth', packet.properties);
}
