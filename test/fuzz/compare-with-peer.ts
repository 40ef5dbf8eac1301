import { isDeepStrictEqual } from 'node:util';
import { type Packet as PeerPacket, parser } from 'mqtt-packet';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';
import { decodeFrame } from '../../src/mqtt/testing/decode-frame.ts';
import type { Comparison } from './known-differences.ts';

/** Both answers to one whole frame; undefined where they say the same. */
export function difference(bytes: Buffer, version: ProtocolVersion): Comparison | undefined {
  const ours = decodeFrame(bytes, version);
  const theirs = peerAnswer(bytes, version);
  const isRefused = theirs instanceof Error || theirs === 'silence';
  if (!ours.ok) return isRefused ? undefined : { bytes, version, ours, theirs };
  const { packet } = ours;
  // Packets are the same if the peer sees the same in the frame as in the one that we would write.
  const stated = packet.type === 'connect' ? packet.protocolVersion : version;
  const same = !isRefused && isDeepStrictEqual(theirs, peerAnswer(encodePacket(packet, stated), version));
  return same ? undefined : { bytes, version, ours, theirs };
}

function peerAnswer(bytes: Buffer, version: ProtocolVersion): Comparison['theirs'] {
  const answers: (PeerPacket | Error)[] = [];
  const peer = parser({ protocolVersion: version });
  peer.on('packet', (packet) => answers.push(packet));
  peer.on('error', (error) => answers.push(error));
  try {
    peer.parse(bytes);
  } catch (error) {
    answers.push(error as Error);
  }
  // It goes on after some refusals and hands the packet up: the refusal counts.
  const answer = answers.find((candidate) => candidate instanceof Error) ?? answers[0] ?? 'silence';
  if (typeof answer === 'object' && 'cmd' in answer) delete answer.length;
  return answer;
}
