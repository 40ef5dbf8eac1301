import fc from 'fast-check';
import type { PacketType } from '../packet-type.ts';
import type { Packet, ProtocolVersion, Qos, Subscription, Will } from '../packets.ts';
import {
  allowedProperties,
  type NamedProperty,
  type PropertiesOf,
  type PropertyCarrier,
  WireType,
} from '../property.ts';
import { CARRIERS, ReasonCode, type ReasonName } from '../reason-code.ts';

/*
 * Any packet that a version can say, for property tests and as seeds.
 */

/** Strings a UTF-8 Encoded String may hold: no lone surrogates, no U+0000. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.replaceAll('\0', ''));
const topicName = text.map((value) => value.replaceAll(/[#+]/g, '/')).map((value) => (value === '' ? 't' : value));
const topicFilter = fc.oneof(topicName, fc.constantFrom('#', '+', 'a/+/b', '+/#', '$SYS/#', '/', '$share/g/x/#'));
const binary = fc.uint8Array({ maxLength: 24 }).map((bytes) => new Uint8Array(bytes));
/** An object with all of the fields, as packets are: with a prototype. */
function record<Shape>(fields: { [Field in keyof Shape]: fc.Arbitrary<Shape[Field]> }): fc.Arbitrary<Shape> {
  return fc.record<Shape>(fields, { noNullPrototype: true });
}

const packetId = fc.integer({ min: 1, max: 0xffff });
const qos = fc.constantFrom<Qos>(0, 1, 2);

const MAXIMA = { [WireType.byte]: 0xff, [WireType.twoByteInteger]: 0xffff, [WireType.fourByteInteger]: 0xffff_ffff };

function propertyValue(property: NamedProperty): fc.Arbitrary<unknown> {
  switch (property.type) {
    case WireType.utf8String:
      return property.name === 'responseTopic' ? topicName : text;
    case WireType.binaryData:
      return binary;
    case WireType.utf8StringPair:
      return fc.tuple(text, text);
    case WireType.variableByteInteger:
      return fc.integer({ min: 1, max: 268_435_455 });
    default:
      return fc.integer({ min: property.minimum ?? 0, max: property.maximum ?? MAXIMA[property.type] });
  }
}

function arbitraryProperties<Carrier extends PropertyCarrier>(
  version: ProtocolVersion,
  carrier: Carrier,
): fc.Arbitrary<PropertiesOf<Carrier>> {
  if (version !== 5) return fc.constant({});
  const values = allowedProperties(carrier).map((property): [string, fc.Arbitrary<unknown>] => {
    const single = propertyValue(property);
    return [property.name, property.repeatable ? fc.array(single, { minLength: 1, maxLength: 3 }) : single];
  });
  const properties = fc.record(Object.fromEntries(values), { requiredKeys: [], noNullPrototype: true });
  return properties as fc.Arbitrary<PropertiesOf<Carrier>>;
}

function reasonOf(packet: keyof typeof PacketType): fc.Arbitrary<ReasonCode> {
  const names = (Object.keys(CARRIERS) as ReasonName[]).filter((name) => CARRIERS[name].includes(packet));
  return fc.constantFrom(...names.map((name) => ReasonCode[name]));
}

const RETURNABLE = [0x00, 0x84, 0x85, 0x86, 0x87, 0x88] as const;

function arbitraryConnect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will: fc.Arbitrary<Will> = record({
    topic: topicName,
    payload: binary,
    qos,
    retain: fc.boolean(),
    properties: arbitraryProperties(version, 'will'),
  });
  return fc
    .record(
      {
        type: fc.constant('connect' as const),
        protocolVersion: fc.constant(version),
        cleanStart: fc.boolean(),
        keepAliveSeconds: fc.nat(0xffff),
        clientId: version === 5 ? text : text.map((id) => `c${id}`),
        will,
        userName: text,
        password: binary,
        properties: arbitraryProperties(version, 'connect'),
      },
      {
        requiredKeys: ['type', 'protocolVersion', 'cleanStart', 'keepAliveSeconds', 'clientId', 'properties'],
        noNullPrototype: true,
      },
    )
    .map((packet) => {
      const { password, ...rest } = packet;
      const needsUser = version !== 5 && rest.userName === undefined;
      const { authenticationMethod = 'm', ...properties } = packet.properties;
      const withData = properties.authenticationData !== undefined;
      return {
        ...rest,
        ...(password === undefined || needsUser ? {} : { password }),
        properties: withData ? { ...properties, authenticationMethod } : properties,
      };
    });
}

function arbitraryConnack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant('connack' as const),
    sessionPresent: fc.boolean(),
    reasonCode: version === 5 ? reasonOf('connack') : fc.constantFrom<ReasonCode>(...RETURNABLE),
    properties: arbitraryProperties(version, 'connack'),
  }).map((packet) => ({ ...packet, sessionPresent: packet.sessionPresent && packet.reasonCode === 0 }));
}

/** What a server may send; `fromClient` leaves out subscription identifiers [MQTT-3.3.4-6]. */
export function arbitraryPublish(
  version: ProtocolVersion,
  fromClient = false,
): fc.Arbitrary<Packet & { type: 'publish' }> {
  return record({
    type: fc.constant('publish' as const),
    topic: topicName,
    withoutTopic: fc.boolean(),
    payload: fc.oneof(
      binary,
      fc.uint8Array({ minLength: 100, maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
    ),
    qos,
    retain: fc.boolean(),
    duplicate: fc.boolean(),
    packetId,
    properties: arbitraryProperties(version, 'publish'),
  }).map(({ withoutTopic, ...packet }) => {
    const { subscriptionIdentifiers, ...properties } = packet.properties;
    const kept = fromClient || subscriptionIdentifiers === undefined ? {} : { subscriptionIdentifiers };
    return {
      ...packet,
      topic: withoutTopic && properties.topicAlias !== undefined ? '' : packet.topic,
      duplicate: packet.qos > 0 && packet.duplicate,
      packetId: packet.qos > 0 ? packet.packetId : 0,
      properties: { ...properties, ...kept },
    };
  });
}

export function arbitraryAck(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.constantFrom('puback' as const, 'pubrec' as const, 'pubrel' as const, 'pubcomp' as const).chain((type) =>
    record({
      type: fc.constant(type),
      packetId,
      reasonCode: version === 5 ? reasonOf(type) : fc.constant(ReasonCode.success),
      properties: arbitraryProperties(version, type),
    }),
  ) as fc.Arbitrary<Packet>;
}

function arbitrarySubscription(version: ProtocolVersion): fc.Arbitrary<Subscription> {
  const option = version === 5 ? fc.boolean() : fc.constant(false);
  return record({
    filter: topicFilter,
    qos,
    noLocal: option,
    retainAsPublished: option,
    retainHandling: version === 5 ? fc.constantFrom<0 | 1 | 2>(0, 1, 2) : fc.constant<0>(0),
  }).map((subscription) => ({
    ...subscription,
    noLocal: subscription.noLocal && !subscription.filter.startsWith('$share/'),
  }));
}

function arbitrarySubscriptions(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const several = { minLength: 1, maxLength: 4 };
  const granted = version === 5 ? reasonOf('suback') : fc.constantFrom<ReasonCode>(0, 1, 2, 0x80);
  return [
    record({
      type: fc.constant('subscribe' as const),
      packetId,
      subscriptions: fc.array(arbitrarySubscription(version), several),
      properties: arbitraryProperties(version, 'subscribe'),
    }),
    record({
      type: fc.constant('suback' as const),
      packetId,
      reasonCodes: fc.array(granted, several),
      properties: arbitraryProperties(version, 'suback'),
    }),
    record({
      type: fc.constant('unsubscribe' as const),
      packetId,
      filters: fc.array(topicFilter, several),
      properties: arbitraryProperties(version, 'unsubscribe'),
    }),
    record({
      type: fc.constant('unsuback' as const),
      packetId,
      reasonCodes: version === 5 ? fc.array(reasonOf('unsuback'), several) : fc.constant<ReasonCode[]>([]),
      properties: arbitraryProperties(version, 'unsuback'),
    }),
  ];
}

function arbitraryClosings(version: ProtocolVersion): fc.Arbitrary<Packet>[] {
  const disconnect = record({
    type: fc.constant('disconnect' as const),
    reasonCode: version === 5 ? reasonOf('disconnect') : fc.constant(ReasonCode.normalDisconnection),
    properties: arbitraryProperties(version, 'disconnect'),
  });
  if (version !== 5) return [disconnect];
  const auth = record({
    type: fc.constant('auth' as const),
    reasonCode: reasonOf('auth'),
    properties: arbitraryProperties(version, 'auth').map((properties) => ({
      authenticationMethod: 'm',
      ...properties,
    })),
  });
  return [disconnect, auth];
}

export function arbitraryPacket(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.oneof(
    arbitraryConnect(version),
    arbitraryConnack(version),
    arbitraryPublish(version),
    arbitraryAck(version),
    ...arbitrarySubscriptions(version),
    fc.constantFrom<Packet>({ type: 'pingreq' }, { type: 'pingresp' }),
    ...arbitraryClosings(version),
  );
}
