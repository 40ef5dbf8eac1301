import { type PacketName, PacketType } from './packet-type.ts';

/** Reason codes by the specification's names (MQTT 5 section 2.4). From 0x80 on they are failures. */
export const ReasonCode = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonName = keyof typeof ReasonCode;
export type ReasonCode = (typeof ReasonCode)[ReasonName];

/** The packets that may carry each reason code (MQTT 5 table 2-6, "Packets" column). */
export const CARRIERS: Readonly<Record<ReasonName, readonly PacketName[]>> = {
  success: ['connack', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'unsuback', 'auth'],
  normalDisconnection: ['disconnect'],
  grantedQos0: ['suback'],
  grantedQos1: ['suback'],
  grantedQos2: ['suback'],
  disconnectWithWillMessage: ['disconnect'],
  noMatchingSubscribers: ['puback', 'pubrec'],
  noSubscriptionExisted: ['unsuback'],
  continueAuthentication: ['auth'],
  reAuthenticate: ['auth'],
  unspecifiedError: ['connack', 'puback', 'pubrec', 'suback', 'unsuback', 'disconnect'],
  malformedPacket: ['connack', 'disconnect'],
  protocolError: ['connack', 'disconnect'],
  implementationSpecificError: ['connack', 'puback', 'pubrec', 'suback', 'unsuback', 'disconnect'],
  unsupportedProtocolVersion: ['connack'],
  clientIdentifierNotValid: ['connack'],
  badUserNameOrPassword: ['connack'],
  notAuthorized: ['connack', 'puback', 'pubrec', 'suback', 'unsuback', 'disconnect'],
  serverUnavailable: ['connack'],
  serverBusy: ['connack', 'disconnect'],
  banned: ['connack'],
  serverShuttingDown: ['disconnect'],
  badAuthenticationMethod: ['connack', 'disconnect'],
  keepAliveTimeout: ['disconnect'],
  sessionTakenOver: ['disconnect'],
  topicFilterInvalid: ['suback', 'unsuback', 'disconnect'],
  topicNameInvalid: ['connack', 'puback', 'pubrec', 'disconnect'],
  packetIdentifierInUse: ['puback', 'pubrec', 'suback', 'unsuback'],
  packetIdentifierNotFound: ['pubrel', 'pubcomp'],
  receiveMaximumExceeded: ['disconnect'],
  topicAliasInvalid: ['disconnect'],
  packetTooLarge: ['connack', 'disconnect'],
  messageRateTooHigh: ['disconnect'],
  quotaExceeded: ['connack', 'puback', 'pubrec', 'suback', 'disconnect'],
  administrativeAction: ['disconnect'],
  payloadFormatInvalid: ['connack', 'puback', 'pubrec', 'disconnect'],
  retainNotSupported: ['connack', 'disconnect'],
  qosNotSupported: ['connack', 'disconnect'],
  useAnotherServer: ['connack', 'disconnect'],
  serverMoved: ['connack', 'disconnect'],
  sharedSubscriptionsNotSupported: ['suback', 'disconnect'],
  connectionRateExceeded: ['connack', 'disconnect'],
  maximumConnectTime: ['disconnect'],
  subscriptionIdentifiersNotSupported: ['suback', 'disconnect'],
  wildcardSubscriptionsNotSupported: ['suback', 'disconnect'],
};

const REASON_NAMES = Object.keys(ReasonCode) as ReasonName[];

/** One bit for each packet type that may carry the code: looked up for every acknowledgement. */
const CARRIER_BITS = new Uint16Array(256);
for (const name of REASON_NAMES) {
  for (const carrier of CARRIERS[name]) CARRIER_BITS[ReasonCode[name]]! |= 1 << PacketType[carrier];
}

/** Whether a packet of this type may carry this byte as its reason code. */
export function mayCarry(type: PacketType, byte: number): byte is ReasonCode {
  return (CARRIER_BITS[byte]! & (1 << type)) !== 0;
}

/** The specification's name of a code, for logs and spans; 0x00 has three and answers `success`. */
export function reasonName(code: ReasonCode): ReasonName {
  return REASON_NAMES.find((name) => ReasonCode[name] === code)!;
}

/** The same as a code of spans and log lines: `unsupported_protocol_version`. */
export function reasonWord(code: ReasonCode): string {
  return reasonName(code).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** CONNACK return codes of MQTT 3.1.1 (table 3.1), by position, as reason codes. */
const RETURN_CODES = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
] as const;

/** Refusals that 3.1.1 has no code for, with the nearest one it has. */
const NEAREST_IN_3_1_1 = new Map<ReasonCode, ReasonCode>([
  [ReasonCode.serverBusy, ReasonCode.serverUnavailable],
  [ReasonCode.quotaExceeded, ReasonCode.serverUnavailable],
  [ReasonCode.connectionRateExceeded, ReasonCode.serverUnavailable],
  [ReasonCode.useAnotherServer, ReasonCode.serverUnavailable],
  [ReasonCode.serverMoved, ReasonCode.serverUnavailable],
  [ReasonCode.unspecifiedError, ReasonCode.serverUnavailable],
  [ReasonCode.implementationSpecificError, ReasonCode.serverUnavailable],
  [ReasonCode.banned, ReasonCode.notAuthorized],
  [ReasonCode.badAuthenticationMethod, ReasonCode.notAuthorized],
]);

export function reasonOfReturnCode(returnCode: number): ReasonCode | undefined {
  return RETURN_CODES[returnCode];
}

/**
 * The 3.1.1 return code for a reason to refuse a connection; undefined where none says it: the connection is then closed
 * without a CONNACK (3.1.1 section 3.2.2.3) [MQTT-3.2.2-6 of 3.1.1].
 */
export function returnCodeOfReason(reason: ReasonCode): number | undefined {
  const position = RETURN_CODES.findIndex((code) => code === (NEAREST_IN_3_1_1.get(reason) ?? reason));
  return position === -1 ? undefined : position;
}
