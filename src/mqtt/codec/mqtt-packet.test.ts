import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { generate, type Packet as PeerPacket, parser } from 'mqtt-packet';
import { PacketType } from '../packet-type.ts';
import type { Packet, ProtocolVersion } from '../packets.ts';
import { PROPERTIES, type PropertyName, type UserProperty, WireType } from '../property.ts';
import { ReasonCode, returnCodeOfReason } from '../reason-code.ts';
import { arbitraryPacket } from '../testing/arbitrary-packet.ts';
import { decodeFrame } from '../testing/decode-frame.ts';
import { encodePacket } from './encode-packet.ts';

/*
 * The same packets through another implementation. What it cannot say is left out: a user property's name twice or
 * beginning with a digit (it has them in an object), a password without a user name, an empty client identifier with a session.
 */

const PEER_NAMES: Partial<Record<PropertyName, string>> = {
  maximumQos: 'maximumQoS',
  subscriptionIdentifiers: 'subscriptionIdentifier',
  subscriptionIdentifierAvailable: 'subscriptionIdentifiersAvailable',
};
/** Our bytes 0 and 1 that the peer has as booleans: all but the maximum QoS. */
const BOOLEANS = new Set<string>(
  Object.entries(PROPERTIES).flatMap(([name, { type }]) =>
    type === WireType.byte && name !== 'maximumQos' ? [name] : [],
  ),
);

function peerProperties(properties: object): object {
  const entries = Object.entries(properties).map(([name, value]) => {
    const peerName = PEER_NAMES[name as PropertyName] ?? name;
    if (name === 'userProperties') return [peerName, Object.fromEntries(value as UserProperty[])];
    if (value instanceof Uint8Array) return [peerName, Buffer.from(value)];
    return [peerName, BOOLEANS.has(name) ? value === 1 : value];
  });
  return Object.fromEntries(entries) as object;
}

/** Our packet in the peer's words. */
function peerPacket(packet: Packet, version: ProtocolVersion): PeerPacket {
  const properties = 'properties' in packet ? peerProperties(packet.properties) : {};
  const common = { ...packet, cmd: packet.type, properties };
  const messageId = 'packetId' in packet ? { messageId: packet.packetId } : {};
  return { ...common, ...messageId, ...peerFields(packet, version) } as unknown as PeerPacket;
}

function peerFields(packet: Packet, version: ProtocolVersion): object {
  switch (packet.type) {
    case 'connect':
      return {
        protocolId: packet.protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
        clean: packet.cleanStart,
        keepalive: packet.keepAliveSeconds,
        username: packet.userName,
        password: packet.password && Buffer.from(packet.password),
        will: packet.will && {
          ...packet.will,
          payload: Buffer.from(packet.will.payload),
          properties: peerProperties(packet.will.properties),
        },
      };
    case 'connack':
      return version === 5 ? {} : { returnCode: returnCodeOfReason(packet.reasonCode) };
    case 'publish':
      return { dup: packet.duplicate, payload: Buffer.from(packet.payload) };
    case 'subscribe':
      return {
        subscriptions: packet.subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => {
          const options = { nl: noLocal, rap: retainAsPublished, rh: retainHandling };
          return { topic: filter, qos, ...(version === 5 ? options : {}) };
        }),
      };
    case 'suback':
    case 'unsuback':
      return { granted: packet.reasonCodes };
    case 'unsubscribe':
      return { unsubscriptions: packet.filters };
    default:
      return {};
  }
}

function peerParse(bytes: Buffer, version: ProtocolVersion): PeerPacket[] {
  const parsed: PeerPacket[] = [];
  const peer = parser({ protocolVersion: version });
  peer.on('packet', (packet) => parsed.push(packet));
  peer.on('error', (error) => {
    throw error;
  });
  peer.parse(bytes);
  return parsed;
}

function sayable(packet: Packet): boolean {
  // Table 2-6 has it for DISCONNECT, the list in section 3.14.2.1 does not; the peer goes by the latter.
  if (packet.type === 'disconnect' && packet.reasonCode === ReasonCode.badAuthenticationMethod) return false;
  const blocks: object[] = 'properties' in packet ? [packet.properties] : [];
  if (packet.type === 'connect') {
    if (packet.password !== undefined && packet.userName === undefined) return false;
    if (packet.clientId === '' && !packet.cleanStart) return false;
    if (packet.will) blocks.push(packet.will.properties);
  }
  return blocks.every((block) => {
    const users = 'userProperties' in block ? (block.userProperties as UserProperty[]) : [];
    const names = users.map(([name]) => name);
    return new Set(names).size === names.length && names.every((name) => !/^\d|^__proto__$/.test(name));
  });
}

for (const version of [4, 5] as const) {
  const packets = arbitraryPacket(version).filter(sayable);

  test(`version ${version}: what mqtt-packet generates, we decode`, () => {
    fc.assert(
      fc.property(packets, (packet) => {
        const bytes = generate(peerPacket(packet, version), { protocolVersion: version });
        assert.deepEqual(decodeFrame(bytes, version), { ok: true, packet });
      }),
      { numRuns: 1000 },
    );
  });

  test(`version ${version}: what we encode, mqtt-packet reads as its own`, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(packets, (packet) => {
        seen.add(packet.type);
        const theirs = generate(peerPacket(packet, version), { protocolVersion: version });
        const fromOurs = peerParse(encodePacket(packet, version), version);
        const fromTheirs = peerParse(theirs, version);
        for (const parsed of [...fromOurs, ...fromTheirs]) delete parsed.length;
        assert.deepEqual(fromOurs, fromTheirs);
        assert.equal(fromOurs.length, 1);
      }),
      { numRuns: 1000 },
    );
    assert.ok(seen.size >= Object.keys(PacketType).length - 1);
  });
}
