/** MQTT Control Packet types: the high nibble of the first byte (MQTT 5 section 2.1.2). */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

export type PacketName = keyof typeof PacketType;
export type PacketType = (typeof PacketType)[PacketName];
/** The four packets that acknowledge a PUBLISH or the step before. */
export type AckName = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';

const NAMES = Object.keys(PacketType) as PacketName[];

/** The packet a first byte announces; undefined for the forbidden type 0. */
export function packetNameOf(headerByte: number): PacketName | undefined {
  return NAMES[(headerByte >> 4) - 1];
}

/** The low nibble that each packet must have; a PUBLISH has flags of its own there [MQTT-2.1.3-1]. */
export function requiredHeaderFlags(name: Exclude<PacketName, 'publish'>): number {
  return name === 'pubrel' || name === 'subscribe' || name === 'unsubscribe' ? 0b0010 : 0;
}
