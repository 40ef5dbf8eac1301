import assert from 'node:assert/strict';
import { AckView, parseAck } from '../../src/mqtt/ack.ts';
import { type DecodeResult, decodePacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodedSize, encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { copyForwardedProperties } from '../../src/mqtt/forwarded-properties.ts';
import { FrameScan, FrameStatus, scanFrame } from '../../src/mqtt/frame.ts';
import { PacketType } from '../../src/mqtt/packet-type.ts';
import type { AckPacket, ProtocolVersion, PublishPacket } from '../../src/mqtt/packets.ts';
import { parsePublish } from '../../src/mqtt/parse-publish.ts';
import { PublishView } from '../../src/mqtt/publish-view.ts';
import { mayCarry, ReasonCode } from '../../src/mqtt/reason-code.ts';
import { decodeFrame } from '../../src/mqtt/testing/decode-frame.ts';
import { validateTopicName } from '../../src/mqtt/topic.ts';
import { publishSize, writePublish } from '../../src/mqtt/write-publish.ts';

/*
 * What must hold of any bytes whatever. Each check throws an AssertionError where it does not.
 */

const UNLIMITED = 268_435_460;
const MARGIN = 16;
const NOTHING = new Uint8Array(0);

/** One frame in the bytes around it. */
interface Frame {
  readonly bytes: Buffer;
  readonly headerByte: number;
  readonly bodyStart: number;
  readonly end: number;
  readonly version: ProtocolVersion;
}

/** How the packets of a stream decode, up to the first that is refused; and how the stream goes on, if it is a frame. */
export interface Reading {
  readonly results: readonly DecodeResult[];
  readonly rest: 'nothing' | 'incomplete' | 'malformed';
}

/** Decodes a stream in one version, and checks each packet in every way there is. */
export function checkStream(bytes: Buffer, version: ProtocolVersion): Reading {
  const results: DecodeResult[] = [];
  const scan = new FrameScan();
  let at = 0;
  while (at < bytes.length) {
    const status = scanFrame(bytes, at, bytes.length, UNLIMITED, scan);
    if (status === FrameStatus.incomplete) return { results, rest: 'incomplete' };
    if (status !== FrameStatus.complete) return { results, rest: 'malformed' };
    const { headerByte, bodyStart, end } = scan;
    assert.ok(bodyStart > at && end >= bodyStart && end <= bytes.length, 'a frame lies within its bytes');
    const result = checkFrame({ bytes, headerByte, bodyStart, end, version });
    results.push(result);
    if (!result.ok) break;
    at = end;
  }
  return { results, rest: 'nothing' };
}

function checkFrame(frame: Frame): DecodeResult {
  const { bytes, headerByte, bodyStart, end, version } = frame;
  const result = decodePacket(bytes, headerByte, bodyStart, end, version);
  checkNeighbours(frame, result);
  if (result.ok) checkRoundTrip(result, version);
  else checkRefusal(headerByte, result);
  const type = headerByte >> 4;
  if (type === PacketType.publish) checkPublish(frame, result);
  if (type >= PacketType.puback && type <= PacketType.pubcomp) checkAck(frame, result);
  return result;
}

/** The answer depends on nothing outside the frame. */
function checkNeighbours({ bytes, headerByte, bodyStart, end, version }: Frame, result: DecodeResult): void {
  const around = Buffer.alloc(end - bodyStart + 2 * MARGIN, 0x01);
  bytes.copy(around, MARGIN, bodyStart, end);
  const again = decodePacket(around, headerByte, MARGIN, MARGIN + end - bodyStart, version);
  assert.deepEqual(again, result, 'a packet decodes the same whatever lies before and behind it');
}

function checkRoundTrip(result: DecodeResult & { ok: true }, version: ProtocolVersion): void {
  const { packet } = result;
  const stated = packet.type === 'connect' ? packet.protocolVersion : version;
  const encoded = encodePacket(packet, stated);
  assert.equal(encodedSize(packet, stated), encoded.length, 'a packet takes the bytes that were counted');
  assert.deepEqual(decodeFrame(encoded, stated), result, 'what was decoded is encoded and decoded to the same');
}

/** A client can be told of it. */
function checkRefusal(headerByte: number, { reasonCode, message }: DecodeResult & { ok: false }): void {
  const answer = headerByte >> 4 === PacketType.connect ? PacketType.connack : PacketType.disconnect;
  assert.ok(
    reasonCode >= ReasonCode.unspecifiedError && mayCarry(answer, reasonCode),
    `0x${reasonCode.toString(16)} can be told`,
  );
  assert.ok(message.length > 0, 'a refusal says why');
}

/** The broker's own reader of PUBLISH accepts what the codec accepts, and finds the same in it. */
function checkPublish(frame: Frame, result: DecodeResult): void {
  const { bytes, headerByte, bodyStart, end, version } = frame;
  const view = new PublishView();
  const reason = parsePublish(bytes, headerByte, bodyStart, end, version, view);
  const hasTopic = view.topicStart < view.topicEnd;
  const accepted =
    reason === ReasonCode.success &&
    (!hasTopic || validateTopicName(bytes, view.topicStart, view.topicEnd) === ReasonCode.success);
  const packet = result.ok ? (result.packet as PublishPacket) : undefined;
  const ofServer = packet?.properties.subscriptionIdentifiers !== undefined;
  assert.equal(accepted, packet !== undefined && !ofServer, 'parsePublish accepts what decodePacket accepts');
  if (!accepted || packet === undefined) return;
  const seen = [bytes.toString('utf8', view.topicStart, view.topicEnd), view.qos, view.packetId, view.topicAlias];
  const { properties } = packet;
  assert.deepEqual(seen, [packet.topic, packet.qos, packet.packetId, properties.topicAlias ?? 0]);
  assert.equal(view.messageExpirySeconds, properties.messageExpiryInterval ?? -1);
  assert.equal(view.payloadFormat, properties.payloadFormatIndicator ?? -1);
  assert.deepEqual(new Uint8Array(bytes.subarray(view.payloadStart, view.payloadEnd)), packet.payload);
  if (hasTopic) for (const outbound of [4, 5] as const) checkForwarding(frame, view, packet, outbound);
}

/** What the broker writes to a subscriber is the packet, but for the properties of one hop [MQTT-3.3.2-17]. */
function checkForwarding({ bytes }: Frame, view: PublishView, packet: PublishPacket, version: 4 | 5): void {
  const kept = Buffer.alloc(view.propertiesEnd - view.propertiesStart);
  const length = version === 5 ? copyForwardedProperties(bytes, view.propertiesStart, view.propertiesEnd, kept, 0) : 0;
  const topic = bytes.subarray(view.topicStart, view.topicEnd);
  const out = Buffer.alloc(publishSize(version, topic.length, packet.qos, length, view.payloadEnd - view.payloadStart));
  const flags = (packet.duplicate ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0);
  const end = writePublish(
    ...([out, 0, version, flags, topic, packet.packetId, NOTHING, kept, 0, length] as const),
    ...([bytes, view.payloadStart, view.payloadEnd] as const),
  );
  assert.equal(end, out.length, 'a PUBLISH takes the bytes that were counted');
  const { topicAlias: _alias, messageExpiryInterval: _expiry, ...forwarded } = packet.properties;
  const properties = version === 5 ? forwarded : {};
  assert.deepEqual(decodeFrame(out, version), { ok: true, packet: { ...packet, properties } });
}

/** The broker's own reader of acknowledgements accepts what the codec accepts, and finds the same in it. */
function checkAck({ bytes, headerByte, bodyStart, end, version }: Frame, result: DecodeResult): void {
  const view = new AckView();
  const reason = parseAck(bytes, headerByte, bodyStart, end, version, view);
  assert.equal(reason === ReasonCode.success, result.ok, 'parseAck accepts what decodePacket accepts');
  if (!result.ok) return;
  const { packetId, reasonCode } = result.packet as AckPacket;
  assert.deepEqual({ ...view }, { packetId, reasonCode });
}
