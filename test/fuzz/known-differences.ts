import type { Packet as PeerPacket } from 'mqtt-packet';
import type { DecodeResult } from '../../src/mqtt/codec/decode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/packets.ts';

/** One frame, as both decoders have it. */
export interface Comparison {
  readonly bytes: Buffer;
  readonly version: ProtocolVersion;
  readonly ours: DecodeResult;
  /** What mqtt-packet read; with what words it refused or threw; or that it said nothing at all. */
  readonly theirs: PeerPacket | Error | 'silence';
}

/** A way in which mqtt-packet differs, and what the specification says of it. */
export interface KnownDifference {
  readonly name: string;
  /** Why we are right. */
  readonly explanation: string;
  readonly fits: (comparison: Comparison) => boolean;
}

/** We refuse with such words, as the packet table shows by an example, and mqtt-packet reads it. */
function lenient(name: string, words: RegExp, explanation: string): KnownDifference {
  return {
    name,
    explanation,
    fits: ({ ours, theirs }) =>
      !ours.ok && words.test(ours.message) && !(theirs instanceof Error) && theirs !== 'silence',
  };
}

/** We read such a packet, and mqtt-packet refuses it. */
function strict(name: string, fits: (comparison: Comparison) => boolean, explanation: string): KnownDifference {
  return {
    name,
    explanation,
    fits: (comparison) => comparison.ours.ok && comparison.theirs instanceof Error && fits(comparison),
  };
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  lenient(
    'ill-formed text',
    /not well formed UTF-8/,
    'It replaces ill-formed UTF-8 and takes U+0000: both close the connection [MQTT-1.5.4-1] [MQTT-1.5.4-2].',
  ),
  lenient(
    'text in topic names',
    /not a topic name/,
    'No wildcards and no ill-formed UTF-8 in topic names and response topics [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-3.3.2-14].',
  ),
  lenient(
    'no topic',
    /neither a topic nor an alias|an empty topic/,
    'A topic has a character, or an alias stands for it [MQTT-4.7.3-1] (section 3.3.2.1).',
  ),
  lenient('topic filters', /not a topic filter/, 'It checks no filters: [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.8.2-1].'),
  lenient(
    'bytes left over',
    /left over/,
    'The remaining length counts what the packet has (section 2.1.4); it skips the rest: malformed (section 4.13).',
  ),
  lenient(
    'cut fields',
    /ends in the middle of a field/,
    'It reads null, -1 or the bytes of the next field where a field is cut: malformed (sections 1.5 and 4.13).',
  ),
  lenient(
    'variable byte integers',
    /variable byte integer/,
    'It takes a cut one for 0 and long forms as they come; the shortest must be used [MQTT-1.5.5-1].',
  ),
  lenient('packet identifier 0', /packet identifier is 0/, 'Packet identifiers are not 0 [MQTT-2.2.1-3].'),
  lenient('duplicate at QoS 0', /duplicate at QoS 0/, 'DUP is 0 where QoS is 0 [MQTT-3.3.1-2].'),
  lenient(
    'empty lists',
    /SUBSCRIBE without a topic filter|(SUB|UNSUB)ACK without a reason code/,
    'There is at least one [MQTT-3.8.3-2] [MQTT-3.10.3-2]; an acknowledgement has one for each (sections 3.9.3, 3.11.3).',
  ),
  lenient(
    'reason codes',
    /reason code 0x\w+ is not one of|return code \d+ is reserved|reserved SUBACK return code/,
    'It checks some lists of reason codes and not CONNACK’s [MQTT-3.2.2-8], nor return codes (3.1.1 table 3.1).',
  ),
  lenient('session present in a refusal', /session present in a refusal/, '[MQTT-3.2.2-6], [MQTT-3.2.2-4 of 3.1.1].'),
  lenient(
    'properties of other packets',
    /property \d+ is not one of/,
    'An identifier that is not valid for the packet is malformed (section 2.2.2.2).',
  ),
  lenient(
    'properties twice',
    /occurs more than once/,
    'It makes a list of them: a protocol error (sections 3.1.2.11 and others).',
  ),
  lenient(
    'values out of bounds',
    /\w+ must not be \d+/,
    'It takes any number, and any byte but 0 for true: a protocol error (sections 3.1.2.11.3, 3.3.2.3.2, 3.8.2.1.2 and others).',
  ),
  lenient(
    'authentication without a method',
    /without an authentication method/,
    'A protocol error (sections 3.1.2.11.10 and 3.15.2.2.2).',
  ),
  lenient('password alone in 3.1.1', /password without a user name/, '[MQTT-3.1.2-22 of 3.1.1].'),
  lenient(
    'no client identifier, but a session, in 3.1.1',
    /client identifier/,
    '[MQTT-3.1.3-7 of 3.1.1] [MQTT-3.1.3-8 of 3.1.1]; 3.1 has no empty ones.',
  ),
  lenient('will QoS 3', /will QoS 3/, '[MQTT-3.1.2-12], [MQTT-3.1.2-14 of 3.1.1].'),
  lenient(
    'protocol names and levels',
    /is not spoken/,
    'It takes a name with another’s level, and levels from 0x80 on for the bridge mode of mosquitto [MQTT-3.1.2-2].',
  ),
  lenient('no local on a shared subscription', /no local on a shared/, 'A protocol error [MQTT-3.8.3-4].'),
  strict(
    'AUTH without a body',
    ({ bytes }) => bytes[0] === 0xf0 && bytes[1] === 0,
    'It wants a reason code; success without properties may leave out both (section 3.15.2.1).',
  ),
  strict(
    'DISCONNECT for a bad authentication method',
    ({ bytes }) => bytes[0] === 0xe0 && bytes[2] === 0x8c,
    '0x8C is in table 2-6 and in section 4.12, not in the list of section 3.14.2.1, by which it goes.',
  ),
];
