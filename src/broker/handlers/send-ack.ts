import { writeAck } from '../../mqtt/ack.ts';
import type { AckName, PacketType } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import type { Receiver } from '../session/receiver.ts';

/** Writes a PUBACK, PUBREC, PUBREL or PUBCOMP straight into the connection's output. */
export function sendAck(
  client: Pick<Receiver, 'version' | 'reserve' | 'output'>,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const size = client.version === 5 && reasonCode !== ReasonCode.success ? 5 : 4;
  const at = client.reserve(size);
  writeAck(client.output, at, type, packetId, reasonCode, client.version);
}
