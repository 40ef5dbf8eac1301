import fc from 'fast-check';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { arbitraryPacket } from '../../src/mqtt/testing/arbitrary-packet.ts';
import { MALFORMED_EXAMPLES, PACKET_EXAMPLES } from '../../src/mqtt/testing/packet-table.ts';

const ARBITRARY_PACKETS = 200;

/** What mutations begin with: the table of packets, right and wrong, of every version, and any packets of this one. */
export function seedCorpus(version: ProtocolVersion, seed: number): Uint8Array[] {
  const examples = [...PACKET_EXAMPLES, ...MALFORMED_EXAMPLES].map(({ bytes }) => bytes);
  const sampled = fc.sample(arbitraryPacket(version), { seed, numRuns: ARBITRARY_PACKETS });
  return [...examples, ...sampled.map((packet) => encodePacket(packet, version))];
}
