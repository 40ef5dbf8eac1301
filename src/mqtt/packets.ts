import type { AckName } from './packet-type.ts';
import type { PropertiesOf } from './property.ts';
import type { ReasonCode } from './reason-code.ts';

/** The protocol level of a CONNECT: 3 is MQTT 3.1 (`MQIsdp`) and is treated as 4, MQTT 3.1.1; 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;
export type Qos = 0 | 1 | 2;

/*
 * Properties are `{}` in 3.1.1. Byte fields of a decoded packet are its own copies, never views of the read buffer.
 */

export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  properties: PropertiesOf<'will'>;
}

export interface ConnectPacket {
  type: 'connect';
  protocolVersion: ProtocolVersion;
  /** Clean Session in 3.1.1. */
  cleanStart: boolean;
  /** 0 turns the keep alive off. */
  keepAliveSeconds: number;
  /** Empty where the server is to assign one. */
  clientId: string;
  will?: Will;
  userName?: string;
  password?: Uint8Array;
  properties: PropertiesOf<'connect'>;
}

export interface ConnackPacket {
  type: 'connack';
  sessionPresent: boolean;
  /** In 3.1.1 the reason code that its return code stands for. */
  reasonCode: ReasonCode;
  properties: PropertiesOf<'connack'>;
}

export interface PublishPacket {
  type: 'publish';
  /** Empty (5.0 only) where the topic alias stands for it. */
  topic: string;
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  duplicate: boolean;
  /** 0 at QoS 0, which has none. */
  packetId: number;
  properties: PropertiesOf<'publish'>;
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export interface AckPacket<Name extends AckName = AckName> {
  type: Name;
  packetId: number;
  reasonCode: ReasonCode;
  properties: PropertiesOf<AckName>;
}

export interface Subscription {
  /** As sent: a shared subscription still has its `$share/group/` in front. */
  filter: string;
  qos: Qos;
  noLocal: boolean;
  retainAsPublished: boolean;
  /** 0: send retained messages; 1: only if the subscription is new; 2: never. */
  retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  type: 'subscribe';
  packetId: number;
  subscriptions: Subscription[];
  properties: PropertiesOf<'subscribe'>;
}

export interface SubackPacket {
  type: 'suback';
  packetId: number;
  /** One for each subscription, in order. 3.1.1 has no failure but 0x80, which all become there. */
  reasonCodes: ReasonCode[];
  properties: PropertiesOf<'suback'>;
}

export interface UnsubscribePacket {
  type: 'unsubscribe';
  packetId: number;
  filters: string[];
  properties: PropertiesOf<'unsubscribe'>;
}

export interface UnsubackPacket {
  type: 'unsuback';
  packetId: number;
  /** One for each filter, in order; not on the wire in 3.1.1, empty when decoded from there. */
  reasonCodes: ReasonCode[];
  properties: PropertiesOf<'unsuback'>;
}

export interface PingreqPacket {
  type: 'pingreq';
}

export interface PingrespPacket {
  type: 'pingresp';
}

export interface DisconnectPacket {
  type: 'disconnect';
  reasonCode: ReasonCode;
  properties: PropertiesOf<'disconnect'>;
}

/** MQTT 5 only. */
export interface AuthPacket {
  type: 'auth';
  reasonCode: ReasonCode;
  properties: PropertiesOf<'auth'>;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket<'puback'>
  | AckPacket<'pubrec'>
  | AckPacket<'pubrel'>
  | AckPacket<'pubcomp'>
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
