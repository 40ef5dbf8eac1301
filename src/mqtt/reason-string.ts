import { ReasonCode } from './reason-code.ts';

/** What the broker says with a refusal, for people who read a client's log. Fixed words: nothing of the inside gets out. */
const REASON_STRINGS: ReadonlyMap<ReasonCode, string> = new Map<ReasonCode, string>([
  [ReasonCode.unspecifiedError, 'the broker failed to do this'],
  [ReasonCode.malformedPacket, 'a packet could not be read'],
  [ReasonCode.protocolError, 'a packet was out of place or contradicted the protocol'],
  [ReasonCode.implementationSpecificError, 'the broker does not do this'],
  [ReasonCode.notAuthorized, 'the client may not do this'],
  [ReasonCode.serverBusy, 'the broker is busy'],
  [ReasonCode.serverShuttingDown, 'the broker is shutting down'],
  [ReasonCode.badAuthenticationMethod, 'this authentication method is not offered'],
  [ReasonCode.keepAliveTimeout, 'nothing came from the client within one and a half keep alives'],
  [ReasonCode.sessionTakenOver, 'another connection uses this client identifier'],
  [ReasonCode.topicFilterInvalid, 'the topic filter is not one, or is longer or deeper than allowed'],
  [ReasonCode.topicNameInvalid, 'the topic name is not one, or is longer or deeper than allowed'],
  [ReasonCode.packetIdentifierInUse, 'this packet identifier is in use'],
  [ReasonCode.receiveMaximumExceeded, 'more messages are unacknowledged than the receive maximum allows'],
  [ReasonCode.topicAliasInvalid, 'the topic alias is 0 or above the topic alias maximum'],
  [ReasonCode.packetTooLarge, 'the packet is larger than the maximum packet size'],
  [ReasonCode.messageRateTooHigh, 'messages come faster than allowed'],
  [ReasonCode.quotaExceeded, 'a limit of the broker is reached'],
  [ReasonCode.administrativeAction, 'an operator ended the connection'],
  [ReasonCode.payloadFormatInvalid, 'the payload is not UTF-8 as its format indicator says'],
  [ReasonCode.retainNotSupported, 'retained messages are not offered'],
  [ReasonCode.qosNotSupported, 'this quality of service is not offered'],
  [ReasonCode.useAnotherServer, 'this broker is being emptied; use another server'],
  [ReasonCode.sharedSubscriptionsNotSupported, 'shared subscriptions are not offered'],
  [ReasonCode.connectionRateExceeded, 'connections come faster than allowed'],
  [ReasonCode.maximumConnectTime, 'the time this connection was granted is over'],
  [ReasonCode.subscriptionIdentifiersNotSupported, 'subscription identifiers are not offered'],
  [ReasonCode.wildcardSubscriptionsNotSupported, 'filters with wildcards are not offered'],
]);

/** Undefined where nothing was refused: a PUBREL of 0x92 is no error, but a repeat after a break (MQTT 5 section 3.6.2.1). */
export function reasonStringOf(reasonCode: ReasonCode): string | undefined {
  return REASON_STRINGS.get(reasonCode);
}

/** Of several codes in one packet, the words for the first that is a refusal. */
export function reasonStringOfFirst(reasonCodes: readonly ReasonCode[]): string | undefined {
  const refused = reasonCodes.find((reasonCode) => REASON_STRINGS.has(reasonCode));
  return refused === undefined ? undefined : reasonStringOf(refused);
}
