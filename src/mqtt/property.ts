import { type PacketName, PacketType } from './packet-type.ts';
import { ReasonCode } from './reason-code.ts';

/** How a property's value lies on the wire (MQTT 5 section 1.5). */
export const WireType = {
  byte: 1,
  twoByteInteger: 2,
  fourByteInteger: 3,
  variableByteInteger: 4,
  utf8String: 5,
  binaryData: 6,
  utf8StringPair: 7,
} as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/** What may have a property block: most packets, and the will inside a CONNECT. */
export type PropertyCarrier = Exclude<PacketName, 'pingreq' | 'pingresp'> | 'will';

export interface PropertyDefinition {
  readonly id: number;
  readonly type: WireType;
  readonly packets: readonly PropertyCarrier[];
  /** May occur more than once; its value is then the array of all, in order. */
  readonly repeatable?: true;
  /** Bounds of a number beyond what the wire type says; outside is `outside`, or a protocol error. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly outside?: ReasonCode;
}

const MESSAGE = ['publish', 'will'] as const;
const ACKS = ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const;
const ANSWERS = ['connack', ...ACKS, 'suback', 'unsuback', 'disconnect', 'auth'] as const;

/**
 * All 27 properties (MQTT 5 table 2-4). Subscription Identifier has two rows, since a SUBSCRIBE carries at most one and a
 * PUBLISH one for each subscription that matched.
 */
export const PROPERTIES = {
  payloadFormatIndicator: { id: 0x01, type: WireType.byte, packets: MESSAGE, maximum: 1 },
  messageExpiryInterval: { id: 0x02, type: WireType.fourByteInteger, packets: MESSAGE },
  contentType: { id: 0x03, type: WireType.utf8String, packets: MESSAGE },
  responseTopic: { id: 0x08, type: WireType.utf8String, packets: MESSAGE },
  correlationData: { id: 0x09, type: WireType.binaryData, packets: MESSAGE },
  subscriptionIdentifier: { id: 0x0b, type: WireType.variableByteInteger, packets: ['subscribe'], minimum: 1 },
  subscriptionIdentifiers: {
    id: 0x0b,
    type: WireType.variableByteInteger,
    packets: ['publish'],
    minimum: 1,
    repeatable: true,
  },
  sessionExpiryInterval: { id: 0x11, type: WireType.fourByteInteger, packets: ['connect', 'connack', 'disconnect'] },
  assignedClientIdentifier: { id: 0x12, type: WireType.utf8String, packets: ['connack'] },
  serverKeepAlive: { id: 0x13, type: WireType.twoByteInteger, packets: ['connack'] },
  authenticationMethod: { id: 0x15, type: WireType.utf8String, packets: ['connect', 'connack', 'auth'] },
  authenticationData: { id: 0x16, type: WireType.binaryData, packets: ['connect', 'connack', 'auth'] },
  requestProblemInformation: { id: 0x17, type: WireType.byte, packets: ['connect'], maximum: 1 },
  willDelayInterval: { id: 0x18, type: WireType.fourByteInteger, packets: ['will'] },
  requestResponseInformation: { id: 0x19, type: WireType.byte, packets: ['connect'], maximum: 1 },
  responseInformation: { id: 0x1a, type: WireType.utf8String, packets: ['connack'] },
  serverReference: { id: 0x1c, type: WireType.utf8String, packets: ['connack', 'disconnect'] },
  reasonString: { id: 0x1f, type: WireType.utf8String, packets: ANSWERS },
  receiveMaximum: { id: 0x21, type: WireType.twoByteInteger, packets: ['connect', 'connack'], minimum: 1 },
  topicAliasMaximum: { id: 0x22, type: WireType.twoByteInteger, packets: ['connect', 'connack'] },
  topicAlias: {
    id: 0x23,
    type: WireType.twoByteInteger,
    packets: ['publish'],
    minimum: 1,
    outside: ReasonCode.topicAliasInvalid,
  },
  maximumQos: { id: 0x24, type: WireType.byte, packets: ['connack'], maximum: 1 },
  retainAvailable: { id: 0x25, type: WireType.byte, packets: ['connack'], maximum: 1 },
  userProperties: {
    id: 0x26,
    type: WireType.utf8StringPair,
    packets: ['connect', ...MESSAGE, ...ANSWERS, 'subscribe', 'unsubscribe'],
    repeatable: true,
  },
  maximumPacketSize: { id: 0x27, type: WireType.fourByteInteger, packets: ['connect', 'connack'], minimum: 1 },
  wildcardSubscriptionAvailable: { id: 0x28, type: WireType.byte, packets: ['connack'], maximum: 1 },
  subscriptionIdentifierAvailable: { id: 0x29, type: WireType.byte, packets: ['connack'], maximum: 1 },
  sharedSubscriptionAvailable: { id: 0x2a, type: WireType.byte, packets: ['connack'], maximum: 1 },
} as const satisfies Record<string, PropertyDefinition>;

export type PropertyName = keyof typeof PROPERTIES;
type Definitions = typeof PROPERTIES;

/** A user property: name and value. Order and repetition have meaning and are kept [MQTT-3.3.2-18]. */
export type UserProperty = readonly [name: string, value: string];

type SingleValue<Type extends WireType> = Type extends typeof WireType.utf8String
  ? string
  : Type extends typeof WireType.binaryData
    ? Uint8Array
    : Type extends typeof WireType.utf8StringPair
      ? UserProperty
      : number;

type PropertyValue<Name extends PropertyName> = Definitions[Name] extends { repeatable: true }
  ? readonly SingleValue<Definitions[Name]['type']>[]
  : SingleValue<Definitions[Name]['type']>;

/** The properties that a packet (or a will) may have, typed from the table. */
export type PropertiesOf<Carrier extends PropertyCarrier> = {
  -readonly [Name in PropertyName as Carrier extends Definitions[Name]['packets'][number]
    ? Name
    : never]?: PropertyValue<Name>;
};

export interface NamedProperty extends PropertyDefinition {
  readonly name: PropertyName;
}

function propertiesOf(carrier: PropertyCarrier): readonly NamedProperty[] {
  const all: NamedProperty[] = Object.entries<PropertyDefinition>(PROPERTIES).map(([name, definition]) => ({
    ...definition,
    name: name as PropertyName,
  }));
  return all.filter((property) => property.packets.includes(carrier));
}

const CARRIERS = [...Object.keys(PacketType), 'will'] as PropertyCarrier[];
const BY_CARRIER = new Map(CARRIERS.map((carrier) => [carrier, propertiesOf(carrier)]));

/** The properties a carrier may have, in the table's order. */
export function allowedProperties(carrier: PropertyCarrier): readonly NamedProperty[] {
  return BY_CARRIER.get(carrier)!;
}
