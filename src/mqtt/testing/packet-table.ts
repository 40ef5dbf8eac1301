import type { Packet, ProtocolVersion } from '../packets.ts';
import { ReasonCode } from '../reason-code.ts';

/** A packet as it must lie on the wire, byte for byte. */
export interface PacketExample {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly bytes: Uint8Array;
  readonly packet: Packet;
}

/** A complete frame that must be refused, and the reason code for it. */
export interface MalformedExample {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly bytes: Uint8Array;
  readonly reasonCode: ReasonCode;
}

/** Numbers are bytes, strings their UTF-8 without a length. */
function wire(...parts: (number | string)[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : [part])));
}

function example(name: string, version: ProtocolVersion, bytes: Uint8Array, packet: Packet): PacketExample {
  return { name, version, bytes, packet };
}

export const PACKET_EXAMPLES: readonly PacketExample[] = [
  example('CONNECT 3.1', 3, wire(0x10, 15, 0, 6, 'MQIsdp', 3, 0x02, 0, 60, 0, 1, 'c'), {
    type: 'connect',
    protocolVersion: 3,
    cleanStart: true,
    keepAliveSeconds: 60,
    clientId: 'c',
    properties: {},
  }),
  example(
    'CONNECT 3.1.1 with will, user name and password',
    4,
    wire(0x10, 29, 0, 4, 'MQTT', 4, 0xec, 0, 10, 0, 2, 'id', 0, 1, 'w', 0, 2, 'by', 0, 1, 'u', 0, 3, 1, 2, 3),
    {
      type: 'connect',
      protocolVersion: 4,
      cleanStart: false,
      keepAliveSeconds: 10,
      clientId: 'id',
      will: { topic: 'w', payload: wire('by'), qos: 1, retain: true, properties: {} },
      userName: 'u',
      password: wire(1, 2, 3),
      properties: {},
    },
  ),
  example(
    'CONNECT 5.0 with properties and a delayed will',
    5,
    wire(
      ...[0x10, 44, 0, 4, 'MQTT', 5, 0x16, 0, 30],
      ...[15, 0x11, 0, 0, 0x0e, 0x10, 0x21, 0, 20, 0x26, 0, 1, 'k', 0, 1, 'v'],
      ...[0, 0, 5, 0x18, 0, 0, 0, 5, 0, 3, 'w/t', 0, 3, 'bye'],
    ),
    {
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAliveSeconds: 30,
      clientId: '',
      will: { topic: 'w/t', payload: wire('bye'), qos: 2, retain: false, properties: { willDelayInterval: 5 } },
      properties: { sessionExpiryInterval: 3600, receiveMaximum: 20, userProperties: [['k', 'v']] },
    },
  ),
  example('CONNECT 5.0 with a password alone', 5, wire(0x10, 16, 0, 4, 'MQTT', 5, 0x42, 0, 0, 0, 0, 0, 0, 1, 9), {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: '',
    password: wire(9),
    properties: {},
  }),
  example('CONNACK 3.1.1 not authorized', 4, wire(0x20, 2, 0, 5), {
    type: 'connack',
    sessionPresent: false,
    reasonCode: ReasonCode.notAuthorized,
    properties: {},
  }),
  example('CONNACK 5.0 with limits', 5, wire(0x20, 11, 1, 0, 8, 0x13, 0, 60, 0x22, 0, 10, 0x24, 1), {
    type: 'connack',
    sessionPresent: true,
    reasonCode: ReasonCode.success,
    properties: { serverKeepAlive: 60, topicAliasMaximum: 10, maximumQos: 1 },
  }),
  example('PUBLISH 3.1.1 QoS 0', 4, wire(0x31, 10, 0, 3, 'a/b', 'hello'), {
    type: 'publish',
    topic: 'a/b',
    payload: wire('hello'),
    qos: 0,
    retain: true,
    duplicate: false,
    packetId: 0,
    properties: {},
  }),
  example('PUBLISH 3.1.1 QoS 2, again, without payload', 4, wire(0x3c, 5, 0, 1, 't', 0x12, 0x34), {
    type: 'publish',
    topic: 't',
    payload: wire(),
    qos: 2,
    retain: false,
    duplicate: true,
    packetId: 0x1234,
    properties: {},
  }),
  example(
    'PUBLISH 5.0 by alias with a trace',
    5,
    wire(0x32, 27, 0, 0, 0, 7, 21, 0x23, 0, 3, 0x26, 0, 11, 'traceparent', 0, 2, '00', '!'),
    {
      type: 'publish',
      topic: '',
      payload: wire('!'),
      qos: 1,
      retain: false,
      duplicate: false,
      packetId: 7,
      properties: { topicAlias: 3, userProperties: [['traceparent', '00']] },
    },
  ),
  example(
    'PUBLISH 5.0 with a request',
    5,
    wire(0x30, 30, 0, 1, 'q', 24, 1, 1, 2, 0, 0, 0, 9, 3, 0, 1, 'j', 8, 0, 1, 'r', 9, 0, 1, 7, 0x26, 0, 0, 0, 0, '{}'),
    {
      type: 'publish',
      topic: 'q',
      payload: wire('{}'),
      qos: 0,
      retain: false,
      duplicate: false,
      packetId: 0,
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 9,
        contentType: 'j',
        responseTopic: 'r',
        correlationData: wire(7),
        userProperties: [['', '']],
      },
    },
  ),
  example('PUBACK 3.1.1', 4, wire(0x40, 2, 0, 1), {
    type: 'puback',
    packetId: 1,
    reasonCode: ReasonCode.success,
    properties: {},
  }),
  example('PUBACK 5.0 without matching subscribers', 5, wire(0x40, 3, 0, 1, 0x10), {
    type: 'puback',
    packetId: 1,
    reasonCode: ReasonCode.noMatchingSubscribers,
    properties: {},
  }),
  example('PUBREC 5.0 with a reason string', 5, wire(0x50, 9, 0, 2, 0x97, 5, 0x1f, 0, 2, 'no'), {
    type: 'pubrec',
    packetId: 2,
    reasonCode: ReasonCode.quotaExceeded,
    properties: { reasonString: 'no' },
  }),
  example('PUBREL 3.1.1', 4, wire(0x62, 2, 0xff, 0xff), {
    type: 'pubrel',
    packetId: 0xffff,
    reasonCode: ReasonCode.success,
    properties: {},
  }),
  example('PUBCOMP 5.0 of an unknown identifier', 5, wire(0x70, 3, 0, 3, 0x92), {
    type: 'pubcomp',
    packetId: 3,
    reasonCode: ReasonCode.packetIdentifierNotFound,
    properties: {},
  }),
  example('SUBSCRIBE 3.1.1', 4, wire(0x82, 11, 0, 1, 0, 1, '#', 1, 0, 2, '+/', 2), {
    type: 'subscribe',
    packetId: 1,
    subscriptions: [
      { filter: '#', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      { filter: '+/', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ],
    properties: {},
  }),
  example(
    'SUBSCRIBE 5.0 with an identifier, options and a shared filter',
    5,
    wire(0x82, 26, 0, 5, 3, 0x0b, 0x80, 1, 0, 3, 'a/+', 0x2d, 0, 11, '$share/g/+/', 0x02),
    {
      type: 'subscribe',
      packetId: 5,
      subscriptions: [
        { filter: 'a/+', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: '$share/g/+/', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
      properties: { subscriptionIdentifier: 128 },
    },
  ),
  example('SUBACK 3.1.1 with a failure', 4, wire(0x90, 4, 0, 1, 2, 0x80), {
    type: 'suback',
    packetId: 1,
    reasonCodes: [ReasonCode.grantedQos2, ReasonCode.unspecifiedError],
    properties: {},
  }),
  example('SUBACK 5.0', 5, wire(0x90, 5, 0, 1, 0, 1, 0x87), {
    type: 'suback',
    packetId: 1,
    reasonCodes: [ReasonCode.grantedQos1, ReasonCode.notAuthorized],
    properties: {},
  }),
  example('UNSUBSCRIBE 3.1.1', 4, wire(0xa2, 5, 0, 9, 0, 1, 'x'), {
    type: 'unsubscribe',
    packetId: 9,
    filters: ['x'],
    properties: {},
  }),
  example('UNSUBSCRIBE 5.0', 5, wire(0xa2, 13, 0, 9, 7, 0x26, 0, 1, 'a', 0, 1, 'b', 0, 1, 'x'), {
    type: 'unsubscribe',
    packetId: 9,
    filters: ['x'],
    properties: { userProperties: [['a', 'b']] },
  }),
  example('UNSUBACK 3.1.1', 4, wire(0xb0, 2, 0, 9), { type: 'unsuback', packetId: 9, reasonCodes: [], properties: {} }),
  example('UNSUBACK 5.0', 5, wire(0xb0, 4, 0, 9, 0, 0x11), {
    type: 'unsuback',
    packetId: 9,
    reasonCodes: [ReasonCode.noSubscriptionExisted],
    properties: {},
  }),
  example('PINGREQ', 4, wire(0xc0, 0), { type: 'pingreq' }),
  example('PINGRESP', 5, wire(0xd0, 0), { type: 'pingresp' }),
  example('DISCONNECT 3.1.1', 4, wire(0xe0, 0), {
    type: 'disconnect',
    reasonCode: ReasonCode.normalDisconnection,
    properties: {},
  }),
  example('DISCONNECT 5.0 with the will', 5, wire(0xe0, 1, 4), {
    type: 'disconnect',
    reasonCode: ReasonCode.disconnectWithWillMessage,
    properties: {},
  }),
  example('DISCONNECT 5.0 with a session expiry', 5, wire(0xe0, 7, 0, 5, 0x11, 0xff, 0xff, 0xff, 0xff), {
    type: 'disconnect',
    reasonCode: ReasonCode.normalDisconnection,
    properties: { sessionExpiryInterval: 0xffff_ffff },
  }),
  example('AUTH 5.0 goes on', 5, wire(0xf0, 10, 0x18, 8, 0x15, 0, 1, 'm', 0x16, 0, 1, 0xff), {
    type: 'auth',
    reasonCode: ReasonCode.continueAuthentication,
    properties: { authenticationMethod: 'm', authenticationData: wire(0xff) },
  }),
  example('AUTH 5.0 short form', 5, wire(0xf0, 0), { type: 'auth', reasonCode: ReasonCode.success, properties: {} }),
];

/** Frames where a field is not what it must be; which is cut short is for the tests to make. */
export const MALFORMED_EXAMPLES: readonly MalformedExample[] = [
  ...refused(ReasonCode.malformedPacket, 4, {
    'packet type 0': wire(0x00, 0),
    'AUTH in 3.1.1': wire(0xf0, 0),
    'PINGREQ with a body': wire(0xc0, 1, 0),
    'DISCONNECT of 3.1.1 with a reason': wire(0xe0, 1, 0),
    'CONNECT with header flags': wire(0x11, 13, 0, 4, 'MQTT', 4, 2, 0, 0, 0, 1, 'c'),
    'CONNECT with the reserved flag [MQTT-3.1.2-3]': wire(0x10, 13, 0, 4, 'MQTT', 4, 3, 0, 0, 0, 1, 'c'),
    'CONNECT with will QoS 3': wire(0x10, 19, 0, 4, 'MQTT', 4, 0x1e, 0, 0, 0, 1, 'c', 0, 1, 'w', 0, 1, 'p'),
    'CONNECT with will QoS but no will': wire(0x10, 13, 0, 4, 'MQTT', 4, 0x0a, 0, 0, 0, 1, 'c'),
    'CONNECT with will retain but no will': wire(0x10, 13, 0, 4, 'MQTT', 4, 0x22, 0, 0, 0, 1, 'c'),
    'CONNECT 3.1.1 with a password alone': wire(0x10, 16, 0, 4, 'MQTT', 4, 0x42, 0, 0, 0, 1, 'c', 0, 1, 'p'),
    'CONNECT with bytes left over': wire(0x10, 14, 0, 4, 'MQTT', 4, 2, 0, 0, 0, 1, 'c', 0),
    'CONNECT with U+0000 in the client identifier [MQTT-1.5.4-2]': wire(0x10, 13, 0, 4, 'MQTT', 4, 2, 0, 0, 0, 1, 0),
    'CONNACK with reserved flags': wire(0x20, 2, 2, 0),
    'PUBLISH with QoS 3 [MQTT-3.3.1-4]': wire(0x36, 5, 0, 1, 't', 0, 1),
    'PUBLISH with dup at QoS 0 [MQTT-3.3.1-2]': wire(0x38, 3, 0, 1, 't'),
    'PUBLISH 3.1.1 without a topic': wire(0x30, 2, 0, 0),
    'PUBLISH without room for its identifier': wire(0x32, 4, 0, 1, 't', 0),
    'PUBLISH with a topic longer than the packet': wire(0x30, 3, 0, 2, 't'),
    'PUBLISH with a surrogate in its topic [MQTT-1.5.4-1]': wire(0x30, 5, 0, 3, 0xed, 0xa0, 0x80),
    'PUBLISH with an overlong character': wire(0x30, 4, 0, 2, 0xc0, 0xaf),
    'PUBREL without its flags [MQTT-3.6.1-1]': wire(0x60, 2, 0, 1),
    'PUBACK with flags': wire(0x42, 2, 0, 1),
    'PUBACK 3.1.1 with a reason': wire(0x40, 3, 0, 1, 0),
    'SUBSCRIBE without its flags [MQTT-3.8.1-1]': wire(0x80, 6, 0, 1, 0, 1, 'a', 0),
    'SUBSCRIBE 3.1.1 with options of 5.0': wire(0x82, 6, 0, 1, 0, 1, 'a', 0x04),
    'SUBSCRIBE 3.1.1 with QoS 3': wire(0x82, 6, 0, 1, 0, 1, 'a', 3),
    'SUBSCRIBE without options': wire(0x82, 5, 0, 1, 0, 1, 'a'),
  }),
  ...refused(ReasonCode.malformedPacket, 5, {
    'SUBSCRIBE 5.0 with reserved options [MQTT-3.8.3-5]': wire(0x82, 7, 0, 1, 0, 0, 1, 'a', 0x40),
    'PUBLISH with an unknown property': wire(0x30, 6, 0, 1, 't', 2, 0x7f, 0),
    'PUBLISH with a property of CONNECT': wire(0x30, 7, 0, 1, 't', 3, 0x21, 0, 1),
    'PUBLISH with a property that is cut': wire(0x30, 6, 0, 1, 't', 2, 0x23, 0),
    'PUBLISH with properties longer than the packet': wire(0x30, 4, 0, 1, 't', 3),
    'PUBLISH with a property length that is not the shortest [MQTT-1.5.5-1]': wire(0x30, 5, 0, 1, 't', 0x80, 0),
    'PUBLISH with an ill-formed content type': wire(0x30, 8, 0, 1, 't', 4, 0x03, 0, 1, 0xff),
    'PUBLISH with an ill-formed user property': wire(0x30, 11, 0, 1, 't', 7, 0x26, 0, 1, 'n', 0, 1, 0x80),
    'DISCONNECT 5.0 with bytes left over': wire(0xe0, 3, 0, 0, 0),
    'AUTH 5.0 with a reason but no properties': wire(0xf0, 1, 0x18),
  }),
  ...refused(ReasonCode.protocolError, 4, {
    'PUBLISH with packet identifier 0 [MQTT-2.2.1-3]': wire(0x32, 5, 0, 1, 't', 0, 0),
    'PUBACK with packet identifier 0': wire(0x40, 2, 0, 0),
    'SUBSCRIBE without a filter [MQTT-3.8.3-2]': wire(0x82, 2, 0, 1),
    'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]': wire(0xa2, 2, 0, 1),
    'SUBACK 3.1.1 with a failure of 5.0': wire(0x90, 3, 0, 1, 0x87),
    'SUBACK without a code': wire(0x90, 2, 0, 1),
    'CONNACK 3.1.1 with a reserved return code': wire(0x20, 2, 0, 6),
    'CONNACK with a session in a refusal [MQTT-3.2.2-6]': wire(0x20, 2, 1, 5),
  }),
  ...refused(ReasonCode.protocolError, 5, {
    'CONNECT with receive maximum 0': wire(0x10, 17, 0, 4, 'MQTT', 5, 2, 0, 0, 3, 0x21, 0, 0, 0, 1, 'c'),
    'CONNECT with authentication data alone': wire(0x10, 18, 0, 4, 'MQTT', 5, 2, 0, 0, 4, 0x16, 0, 1, 7, 0, 1, 'c'),
    'CONNECT with request problem information 2': wire(0x10, 16, 0, 4, 'MQTT', 5, 2, 0, 0, 2, 0x17, 2, 0, 1, 'c'),
    'PUBLISH with neither topic nor alias': wire(0x30, 3, 0, 0, 0),
    'PUBLISH with two aliases': wire(0x30, 9, 0, 0, 6, 0x23, 0, 1, 0x23, 0, 1),
    'PUBLISH with payload format 2': wire(0x30, 6, 0, 1, 't', 2, 0x01, 2),
    'PUBACK with a reason of CONNACK': wire(0x40, 3, 0, 1, 0x84),
    'PUBREL with a reason of PUBACK': wire(0x62, 3, 0, 1, 0x10),
    'SUBSCRIBE with QoS 3': wire(0x82, 7, 0, 1, 0, 0, 1, 'a', 3),
    'SUBSCRIBE with retain handling 3': wire(0x82, 7, 0, 1, 0, 0, 1, 'a', 0x30),
    'SUBSCRIBE with identifier 0': wire(0x82, 9, 0, 1, 2, 0x0b, 0, 0, 1, 'a', 0),
    'SUBSCRIBE with two identifiers': wire(0x82, 11, 0, 1, 4, 0x0b, 1, 0x0b, 2, 0, 1, 'a', 0),
    'SUBSCRIBE with no local on a shared filter [MQTT-3.8.3-4]': wire(0x82, 16, 0, 1, 0, 0, 10, '$share/g/a', 0x04),
    'UNSUBACK without a code': wire(0xb0, 3, 0, 1, 0),
    'DISCONNECT with a reason of SUBACK': wire(0xe0, 1, 0x91),
    'AUTH without a method': wire(0xf0, 2, 0x18, 0),
  }),
  ...refused(ReasonCode.unsupportedProtocolVersion, 4, {
    'CONNECT with another protocol': wire(0x10, 13, 0, 4, 'MQTX', 4, 2, 0, 0, 0, 1, 'c'),
    'CONNECT with level 6 [MQTT-3.1.2-2]': wire(0x10, 13, 0, 4, 'MQTT', 6, 2, 0, 0, 0, 1, 'c'),
    'CONNECT with the name of 3.1 and the level of 3.1.1': wire(0x10, 15, 0, 6, 'MQIsdp', 4, 2, 0, 0, 0, 1, 'c'),
  }),
  ...refused(ReasonCode.clientIdentifierNotValid, 4, {
    'CONNECT 3.1.1 with a session but no client identifier': wire(0x10, 12, 0, 4, 'MQTT', 4, 0, 0, 0, 0, 0),
  }),
  ...refused(ReasonCode.topicAliasInvalid, 5, {
    'PUBLISH with alias 0 [MQTT-3.3.2-8]': wire(0x30, 7, 0, 1, 't', 3, 0x23, 0, 0),
  }),
  ...refused(ReasonCode.topicNameInvalid, 5, {
    'PUBLISH to a wildcard [MQTT-3.3.2-2]': wire(0x30, 6, 0, 3, 'a/+', 0),
    'PUBLISH with a wildcard as response topic [MQTT-3.3.2-14]': wire(0x30, 8, 0, 1, 't', 4, 0x08, 0, 1, '#'),
    'CONNECT with a wildcard as will topic': wire(
      ...[0x10, 21, 0, 4, 'MQTT', 5, 0x06, 0, 0, 0, 0, 1, 'c', 0, 0, 1, '#', 0, 1, 'p'],
    ),
  }),
  ...refused(ReasonCode.topicFilterInvalid, 5, {
    'SUBSCRIBE with # in the middle [MQTT-4.7.1-1]': wire(0x82, 9, 0, 1, 0, 0, 3, '#/a', 0),
    'SUBSCRIBE with + beside a letter [MQTT-4.7.1-2]': wire(0x82, 8, 0, 1, 0, 0, 2, 'a+', 0),
    'SUBSCRIBE with an empty filter [MQTT-4.7.3-1]': wire(0x82, 6, 0, 1, 0, 0, 0, 0),
    'SUBSCRIBE with a share but no filter [MQTT-4.8.2-2]': wire(0x82, 14, 0, 1, 0, 0, 8, '$share/g', 0),
    'UNSUBSCRIBE with an empty share name [MQTT-4.8.2-1]': wire(0xa2, 14, 0, 1, 0, 0, 9, '$share//a'),
  }),
];

function refused(
  reasonCode: ReasonCode,
  version: ProtocolVersion,
  frames: Readonly<Record<string, Uint8Array>>,
): MalformedExample[] {
  return Object.entries(frames).map(([name, bytes]) => ({ name, version, bytes, reasonCode }));
}
