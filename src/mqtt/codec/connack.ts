import { assert } from '../../base/errors.ts';
import { PacketType } from '../packet-type.ts';
import type { ConnackPacket, ProtocolVersion } from '../packets.ts';
import { ReasonCode, reasonOfReturnCode, returnCodeOfReason } from '../reason-code.ts';
import type { ByteWriter } from './byte-writer.ts';
import { malformed, protocolError } from './decode-failure.ts';
import type { PacketReader } from './packet-reader.ts';
import { readProperties, writeProperties } from './properties.ts';

/*
 * CONNACK (MQTT 5 section 3.2)
 *   body = acknowledge flags (bit 0: session present), reason code (3.1.1: return code 0 to 5), [properties in 5.0]
 */

export function decodeConnack(reader: PacketReader): ConnackPacket {
  const flags = reader.byte();
  if (flags > 1) throw malformed('reserved acknowledge flags are set [MQTT-3.2.2-1]');
  const sessionPresent = flags === 1;
  const reasonCode = reader.version === 5 ? reader.reasonCode(PacketType.connack) : readReturnCode(reader);
  if (sessionPresent && reasonCode !== ReasonCode.success) {
    throw protocolError('session present in a refusal [MQTT-3.2.2-6]');
  }
  return { type: 'connack', sessionPresent, reasonCode, properties: readProperties(reader, 'connack') };
}

function readReturnCode(reader: PacketReader): ReasonCode {
  const returnCode = reader.byte();
  const reason = reasonOfReturnCode(returnCode);
  if (reason === undefined) throw protocolError(`return code ${returnCode} is reserved (3.1.1 table 3.1)`);
  return reason;
}

/** A reason that 3.1.1 has no return code for must not come here: see `returnCodeOfReason`. */
export function encodeConnack(packet: ConnackPacket, version: ProtocolVersion, out: ByteWriter): void {
  const code = version === 5 ? packet.reasonCode : returnCodeOfReason(packet.reasonCode);
  assert(code !== undefined, 'a CONNACK of 3.1.1 has a reason with a return code');
  out.byte(packet.sessionPresent ? 1 : 0);
  out.byte(code);
  writeProperties(out, version, 'connack', packet.properties);
}
