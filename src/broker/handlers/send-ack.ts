import { writeAck } from '../../mqtt/ack.ts';
import type { AckName, PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { Connection } from '../connection/connection.ts';

/** Writes a PUBACK, PUBREC, PUBREL or PUBCOMP straight into the connection's output. */
export function sendAck(
  connection: Connection,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const size = connection.version === 5 && reasonCode !== ReasonCode.success ? 5 : 4;
  const at = connection.reserve(size);
  writeAck(connection.output, at, type, packetId, reasonCode, connection.version);
}
