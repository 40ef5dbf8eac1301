import { writeAck } from '../../mqtt/ack.ts';
import type { AckName, PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { Receiver } from '../session/receiver.ts';

/** A success needs no reason code, and MQTT 3.1.1 has none. */
export function ackSize(reasonCode: ReasonCode, version: 4 | 5): number {
  return version === 5 && reasonCode !== ReasonCode.success ? 5 : 4;
}

/** Writes a PUBACK, PUBREC, PUBREL or PUBCOMP straight into the connection's output. */
export function sendAck(
  client: Pick<Receiver, 'version' | 'reserve' | 'output'>,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const at = client.reserve(ackSize(reasonCode, client.version));
  writeAck(client.output, at, type, packetId, reasonCode, client.version);
}
