import { ATTRIBUTES as A } from './attributes.ts';
import {
  always,
  BEGINS,
  FAILS,
  messaging,
  overMqtt,
  type SpanAttributeRule,
  type SpanEntry,
  when,
} from './span-definition.ts';

const BROKER = always(A.robustmqCluster, A.robustmqBrokerId);
const PEER = always(A.networkPeerAddress, A.networkPeerPort);
const OUTCOME = always(A.performanceLatencyMs, A.performanceSuccess);
const USER = [
  ...when('`user_name = "plain"` and the client has one', A.userName),
  ...when('`user_name = "hash"` and the client has one', A.userHash),
];
/** What only configuration lets out. */
export const CONTENT = [
  ...when('`payload = "plain"`', A.mqttPayload),
  ...when('`payload = "hash"`', A.mqttPayloadHash),
  ...when('`user_properties` names one that it has', A.mqttUserProperties),
];
/** What the span of a message says, however the message came. */
export const MESSAGE = [
  ...always(A.mqttClientId, A.mqttTopic, A.mqttQos, A.mqttRetain, A.mqttPayloadSize),
  ...BROKER,
  ...always(A.robustmqSessionId),
  ...OUTCOME,
  ...when('several messages were handled together', A.stageMessages),
];

interface PacketSpan {
  readonly description: string;
  readonly type?: 'send' | 'settle';
  readonly parents?: readonly string[];
  readonly begins?: boolean;
  readonly attributes: readonly SpanAttributeRule[];
}

function packet(name: string, { description, type, parents = [], begins = true, attributes }: PacketSpan): SpanEntry {
  return {
    name: `mqtt/${name}`,
    kind: 'server',
    role: 'broker',
    description,
    parents,
    begins,
    attributes: [...attributes, ...(begins ? BEGINS : [])],
    constants: [...messaging(name, type), ...overMqtt],
  };
}

/** An acknowledgement of a subscriber belongs to the delivery that it acknowledges. */
const acknowledgement = (name: string, description: string): SpanEntry =>
  packet(name, {
    description,
    type: 'settle',
    parents: ['delivery/confirm'],
    begins: false,
    attributes: always(A.mqttPacketId),
  });

const filters = [
  ...always(A.mqttClientId, A.mqttTopics, A.mqttPacketId, A.robustmqSessionId),
  ...when('there are more than 128 filters', A.mqttTopicCount),
  ...OUTCOME,
];

/** MQTT control packets that clients send, each a request to the broker. */
export const PACKET_SPANS = {
  mqttConnect: packet('connect', {
    description: 'A CONNECT, from its first byte to the CONNACK written with its reason code.',
    attributes: [
      ...PEER,
      ...BROKER,
      ...OUTCOME,
      ...when('it could be read', A.mqttClientId, A.mqttProtocolVersion, A.mqttCleanSession),
      ...when('it was answered', A.mqttReasonCode),
      ...when('it was let in', A.robustmqSessionId),
      ...USER,
      ...FAILS,
    ],
  }),
  mqttPublish: packet('publish', {
    description: 'A PUBLISH from a client, until it is answered (QoS 1, 2) or routed (QoS 0).',
    type: 'send',
    attributes: [
      ...MESSAGE,
      ...PEER,
      ...always(A.performanceConnectionCount, A.performanceQueueDepth),
      ...when('QoS 1 and 2', A.mqttPacketId),
      ...when('it has DUP', A.mqttDuplicate),
      ...USER,
      ...CONTENT,
      ...FAILS,
    ],
  }),
  mqttPuback: acknowledgement('puback', 'A PUBACK from a subscriber for a QoS 1 message pushed to it.'),
  mqttPubrec: acknowledgement('pubrec', 'A PUBREC from a subscriber: first answer to a QoS 2 message pushed to it.'),
  mqttPubrel: packet('pubrel', {
    description: 'A PUBREL from a publisher, until the PUBCOMP is written.',
    parents: ['mqtt/publish'],
    attributes: [...always(A.mqttClientId, A.mqttPacketId, A.mqttReasonCode), ...FAILS],
  }),
  mqttPubcomp: acknowledgement('pubcomp', 'A PUBCOMP from a subscriber: the QoS 2 delivery to it is complete.'),
  mqttSubscribe: packet('subscribe', {
    description: 'A SUBSCRIBE, until the SUBACK is written.',
    attributes: [...filters, ...when('a filter was refused', A.mqttReasonCode), ...FAILS],
  }),
  mqttUnsubscribe: packet('unsubscribe', {
    description: 'An UNSUBSCRIBE, until the UNSUBACK is written.',
    attributes: [...filters, ...FAILS],
  }),
  mqttPingreq: packet('pingreq', {
    description: 'A PINGREQ, until the PINGRESP is written.',
    attributes: always(A.mqttClientId),
  }),
  mqttDisconnect: packet('disconnect', {
    description: 'A DISCONNECT from the client, or a connection ended by the broker or the network.',
    attributes: [
      ...when('the client had said who it is', A.mqttClientId),
      ...when('there is a code for it', A.mqttReasonCode),
      ...when('it was not the client that ended it', A.networkPeerAddress, A.networkPeerPort),
      ...when('it was not the client that ended it, and there was a session', A.robustmqSessionId),
      ...FAILS,
    ],
  }),
  mqttAuth: packet('auth', {
    description: 'An AUTH packet of an enhanced authentication exchange.',
    parents: ['mqtt/connect'],
    attributes: [...always(A.mqttClientId, A.mqttReasonCode), ...OUTCOME, ...FAILS],
  }),
};
