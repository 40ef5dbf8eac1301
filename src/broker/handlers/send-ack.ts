import { writeAck } from '../../mqtt/ack.ts';
import { type AckName, type PacketType, packetNameOf } from '../../mqtt/packet-type.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { reasonStringOf } from '../../mqtt/reason-string.ts';
import { encodeAnswer } from '../connection/answer.ts';
import type { Receiver } from '../session/receiver.ts';

const FIRST_FAILURE = 0x80;

type AckTaker = Pick<Receiver, 'version' | 'reserve' | 'output' | 'maximumPacketSize' | 'wantsReasons'>;

/** A success needs no reason code, and MQTT 3.1.1 has none. */
export function ackSize(reasonCode: ReasonCode, version: 4 | 5): number {
  return version === 5 && reasonCode !== ReasonCode.success ? 5 : 4;
}

/**
 * Writes a PUBACK, PUBREC, PUBREL or PUBCOMP straight into the connection's output; a refusal with its reason in words.
 * Without them every client that could be sent a CONNACK has room for it.
 */
export function sendAck(
  client: AckTaker,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
): void {
  if (reasonCode >= FIRST_FAILURE) {
    sendWorded(client, type, packetId, reasonCode);
    return;
  }
  const at = client.reserve(ackSize(reasonCode, client.version));
  writeAck(client.output, at, type, packetId, reasonCode, client.version);
}

function sendWorded(
  client: AckTaker,
  type: (typeof PacketType)[AckName],
  packetId: number,
  reasonCode: ReasonCode,
): void {
  const ack = { type: packetNameOf(type << 4) as AckName, packetId, reasonCode, properties: {} };
  const bytes = encodeAnswer(ack, reasonStringOf(reasonCode), client);
  if (bytes === undefined) return;
  const at = client.reserve(bytes.length);
  client.output.set(bytes, at);
}
