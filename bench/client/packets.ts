/** The few MQTT 3.1.1 packets the load generator sends, and its payload. */

export const PacketType = { connack: 2, publish: 3, puback: 4, suback: 9 } as const;

/**
 * payload := stream:u32le sequence:u32le sent_ms:f64le padding*
 * Which publisher and topic, the how-manieth on it, and when it was sent on the generator's clock.
 */
export const PAYLOAD_HEADER_BYTES = 16;
export const PAYLOAD_SEQUENCE_AT = 4;
export const PAYLOAD_SENT_AT = 8;

const CONNECT_CLEAN_SESSION = 0x02;

export function encodeConnect(clientId: string, keepAliveSeconds: number): Buffer {
  const id = utf8(clientId);
  const header = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, CONNECT_CLEAN_SESSION, 0, 0]);
  header.writeUInt16BE(keepAliveSeconds, 8);
  return packet(0x10, Buffer.concat([header, id]));
}

export function encodeSubscribe(packetId: number, filter: string, qos: number): Buffer {
  return packet(0x82, Buffer.concat([u16(packetId), utf8(filter), Buffer.from([qos])]));
}

export function encodeDisconnect(): Buffer {
  return Buffer.from([0xe0, 0]);
}

export interface PublishTemplate {
  readonly bytes: Buffer;
  /** Where the packet identifier goes; undefined for QoS 0. */
  readonly packetIdAt: number | undefined;
  readonly payloadAt: number;
}

/** A PUBLISH to be copied and filled in: packet identifier, sequence and time change, the rest stays. */
export function publishTemplate(topic: string, qos: number, payloadBytes: number, stream: number): PublishTemplate {
  const payload = Buffer.alloc(payloadBytes, 0x2e);
  payload.writeUInt32LE(stream, 0);
  const bytes = packet(0x30 | (qos << 1), Buffer.concat([utf8(topic), ...(qos > 0 ? [u16(0)] : []), payload]));
  const payloadAt = bytes.length - payloadBytes;
  return { bytes, packetIdAt: qos > 0 ? payloadAt - 2 : undefined, payloadAt };
}

function packet(firstByte: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    length.push(rest > 0 ? digit | 0x80 : digit);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

function utf8(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
