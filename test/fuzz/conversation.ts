import { type AckName, PacketType } from '../../src/mqtt/packet-type.ts';
import type { ConnectPacket, Packet, ProtocolVersion, PublishPacket, Qos } from '../../src/mqtt/packets.ts';
import type { PropertiesOf } from '../../src/mqtt/property.ts';
import { mayCarry, type ReasonCode } from '../../src/mqtt/reason-code.ts';
import type { Chance } from '../chaos/support/chance.ts';
import { hostileHeaders } from './hostile-headers.ts';

/*
 * Packets that are well formed, in any order and with any identifiers: what the handlers must take.
 */

/** So few that two conversations often use the same. */
const CLIENTS = 16;
const PACKET_IDS = 6;
const LONGEST = 12;
const TOPICS = ['fuzz/0', 'fuzz/1', 'fuzz/a/b', 'fuzz//', '$SYS/fuzz', '$share/g/fuzz', 'fuzz/ü'];
const FILTERS = [
  ...['fuzz/#', 'fuzz/+', 'fuzz/0', '#', '+/+', '+/#', '$SYS/#', '/'],
  ...['$share/g/fuzz/#', '$share/g/#', '$share/h/fuzz/0', '$share/g/$SYS/#'],
];
const ALIASES = [1, 2, 32, 33, 0xffff];
const ACKS: readonly AckName[] = ['puback', 'pubrec', 'pubrel', 'pubcomp'];

/** A CONNECT that a broker may accept, with limits of the client that are hard to keep. */
export function arbitraryHello(protocolVersion: 4 | 5, chance: Chance): ConnectPacket {
  const clientId = chance.below(8) === 0 ? '' : `fuzz-${chance.below(CLIENTS)}`;
  const properties = protocolVersion === 5 ? helloProperties(chance) : {};
  return {
    type: 'connect',
    protocolVersion,
    cleanStart: clientId === '' || chance.below(4) > 0,
    keepAliveSeconds: chance.oneOf([0, 0, 1, 600]),
    clientId,
    properties,
    ...(chance.below(3) === 0 && {
      will: {
        topic: chance.oneOf(TOPICS),
        payload: Buffer.from('will'),
        qos: qosOf(chance),
        retain: chance.below(4) === 0,
        properties:
          protocolVersion === 5
            ? {
                willDelayInterval: chance.below(3),
                ...(chance.below(3) === 0 && { userProperties: hostileHeaders(chance) }),
              }
            : {},
      },
    }),
  };
}

function helloProperties(chance: Chance): PropertiesOf<'connect'> {
  const sometimes = (): boolean => chance.below(3) === 0;
  return {
    ...(sometimes() && { sessionExpiryInterval: chance.oneOf([0, 1, 0xffff_ffff]) }),
    ...(sometimes() && { receiveMaximum: 1 + chance.below(3) }),
    ...(sometimes() && { maximumPacketSize: chance.oneOf([1, 10, 40, 200]) }),
    ...(sometimes() && { topicAliasMaximum: chance.oneOf([0, 1, 0xffff]) }),
    ...(sometimes() && { requestProblemInformation: chance.below(2) }),
    ...(sometimes() && { requestResponseInformation: chance.below(2) }),
    ...(chance.below(12) === 0 && { authenticationMethod: chance.oneOf(['SCRAM-SHA-256', 'none']) }),
  };
}

/** What a client may say after its CONNECT, and much that it must not. */
export function arbitraryConversation(version: 4 | 5, chance: Chance): Packet[] {
  return Array.from({ length: 1 + chance.below(LONGEST) }, () => arbitraryTurn(version, chance));
}

function arbitraryTurn(version: 4 | 5, chance: Chance): Packet {
  const kind = chance.below(40);
  if (kind < 16) return arbitraryPublish(version, chance);
  if (kind < 25) return arbitraryAck(version, chance);
  if (kind < 32) return arbitrarySubscribe(version, chance);
  if (kind < 35) {
    const filters = [chance.oneOf(FILTERS), chance.oneOf(FILTERS)];
    return { type: 'unsubscribe', packetId: packetIdOf(chance), filters, properties: {} };
  }
  if (kind < 37) return { type: 'pingreq' };
  return arbitraryMisplaced(version, chance);
}

/** What ends a connection, rightly or wrongly. */
function arbitraryMisplaced(version: ProtocolVersion, chance: Chance): Packet {
  const packetId = packetIdOf(chance);
  const others: Packet[] = [
    { type: 'disconnect', reasonCode: version === 5 ? chance.oneOf([0, 4, 0x80]) : 0, properties: {} },
    { type: 'pingresp' },
    { type: 'suback', packetId, reasonCodes: [0], properties: {} },
    { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} },
    arbitraryHello(version === 5 ? 5 : 4, chance),
  ];
  if (version !== 5) return chance.oneOf(others);
  const authenticationMethod = chance.oneOf(['SCRAM-SHA-256', 'none']);
  return chance.oneOf<Packet>([
    ...others,
    { type: 'auth', reasonCode: chance.oneOf([0, 0x18, 0x19]), properties: { authenticationMethod } },
    { type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: chance.oneOf([0, 1, 0xffff_ffff]) } },
  ]);
}

function arbitraryPublish(version: 4 | 5, chance: Chance): PublishPacket {
  const qos = qosOf(chance);
  const properties = version === 5 ? messageProperties(chance) : {};
  return {
    type: 'publish',
    topic: properties.topicAlias !== undefined && chance.below(2) === 0 ? '' : chance.oneOf(TOPICS),
    payload: Buffer.alloc(chance.oneOf([0, 1, 30, 300, 5000]), 'p'),
    qos,
    retain: chance.below(4) === 0,
    duplicate: qos > 0 && chance.below(4) === 0,
    packetId: qos > 0 ? packetIdOf(chance) : 0,
    properties,
  };
}

function messageProperties(chance: Chance): PropertiesOf<'publish'> {
  const sometimes = (): boolean => chance.below(4) === 0;
  return {
    ...(sometimes() && { topicAlias: chance.oneOf(ALIASES) }),
    ...(sometimes() && { messageExpiryInterval: chance.oneOf([0, 1, 0xffff_ffff]) }),
    ...(sometimes() && { payloadFormatIndicator: chance.below(2) }),
    ...(sometimes() && { responseTopic: chance.oneOf(TOPICS), correlationData: Buffer.of(0, 0xff) }),
    ...(sometimes() && { userProperties: hostileHeaders(chance) }),
    ...(chance.below(20) === 0 && { subscriptionIdentifiers: [1 + chance.below(3)] }),
  };
}

function arbitraryAck(version: ProtocolVersion, chance: Chance): Packet {
  const type = chance.oneOf(ACKS);
  const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => mayCarry(PacketType[type], code));
  const reasonCode = version === 5 && chance.below(3) === 0 ? (chance.oneOf(codes) as ReasonCode) : 0;
  return { type, packetId: packetIdOf(chance), reasonCode, properties: {} };
}

function arbitrarySubscribe(version: ProtocolVersion, chance: Chance): Packet {
  const subscriptions = Array.from({ length: 1 + chance.below(4) }, () => {
    const filter = chance.oneOf(FILTERS);
    const option = (): boolean => version === 5 && chance.below(4) === 0;
    return {
      filter,
      qos: qosOf(chance),
      noLocal: option() && (!filter.startsWith('$share/') || chance.below(8) === 0),
      retainAsPublished: option(),
      retainHandling: version === 5 ? chance.oneOf([0, 0, 1, 2] as const) : (0 as const),
    };
  });
  const properties = version === 5 && chance.below(2) === 0 ? { subscriptionIdentifier: 1 + chance.below(300) } : {};
  return { type: 'subscribe', packetId: packetIdOf(chance), subscriptions, properties };
}

function qosOf(chance: Chance): Qos {
  return chance.oneOf<Qos>([0, 1, 2]);
}

function packetIdOf(chance: Chance): number {
  return 1 + chance.below(PACKET_IDS);
}
