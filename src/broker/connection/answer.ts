import { encodedSize, encodePacket } from '../../mqtt/codec/encode-packet.ts';
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  DisconnectPacket,
  SubackPacket,
  UnsubackPacket,
} from '../../mqtt/packets.ts';

/** A packet that may say in words why something was refused. */
export type Answer = ConnackPacket | AckPacket | SubackPacket | UnsubackPacket | DisconnectPacket | AuthPacket;

/** What a client said in its CONNECT of the answers it wants. */
export interface AnswerTaker {
  readonly version: 4 | 5;
  /** The client's Maximum Packet Size; Infinity where it set none. */
  readonly maximumPacketSize: number;
  /** Request Problem Information, which a client that does not mention it asks for. */
  readonly wantsReasons: boolean;
}

/**
 * The answer's bytes, with `reason` in words if the client wants them [MQTT-3.1.2-29] and they fit [MQTT-3.2.2-19]
 * [MQTT-3.4.2-2] [MQTT-3.14.2-3]. Undefined when it does not fit without them either: it must not be sent [MQTT-3.1.2-24].
 */
export function encodeAnswer(answer: Answer, reason: string | undefined, client: AnswerTaker): Buffer | undefined {
  const { version, maximumPacketSize, wantsReasons } = client;
  if (version === 5 && wantsReasons && reason !== undefined) {
    const worded: Answer = { ...answer, properties: { ...answer.properties, reasonString: reason } };
    if (encodedSize(worded, version) <= maximumPacketSize) return encodePacket(worded, version);
  }
  return encodedSize(answer, version) <= maximumPacketSize ? encodePacket(answer, version) : undefined;
}
