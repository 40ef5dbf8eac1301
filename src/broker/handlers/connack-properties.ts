import type { ConnackPacket, ConnectPacket } from '../../mqtt/packets.ts';
import type { ConnectionLimits } from '../connection/connection.ts';

const LARGEST_PACKET_BYTES = 268_435_460;
const LARGEST_RECEIVE_MAXIMUM = 65_535;

/** What CONNACK tells an MQTT 5 client of the server (section 3.2.2.3). */
export interface ServerCapabilities {
  readonly receiveMaximum: number;
  readonly retainAvailable: boolean;
  readonly topicAliasMaximum: number;
  /** Not said in CONNACK: as many as the broker uses, where the client allows as many. */
  readonly topicAliasMaximumToClient: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  /** 0: whatever the client asks for. */
  readonly keepAliveMaximumSeconds: number;
  /** `%c` stands for the client identifier; undefined: none is given. */
  readonly responseInformation: string | undefined;
}

/** What CONNACK tells of the listener. */
export type ListenerCapabilities = Pick<ConnectionLimits, 'maximumPacketSize' | 'maximumQos'>;

/** What the client was granted. */
export interface Granted {
  readonly clientId: string;
  readonly sessionExpirySeconds: number;
  readonly keepAliveSeconds: number;
  /** The last word of an authentication exchange. */
  readonly authentication: Pick<ConnackPacket['properties'], 'authenticationMethod' | 'authenticationData'>;
}

/** A property says only what differs from what its absence would say. */
export function connackProperties(
  capabilities: ServerCapabilities & ListenerCapabilities,
  packet: ConnectPacket,
  granted: Granted,
): ConnackPacket['properties'] {
  if (packet.protocolVersion !== 5) return {};
  return {
    ...sessionProperties(capabilities, packet, granted),
    ...offeredProperties(capabilities),
    ...granted.authentication,
  };
}

function sessionProperties(
  { responseInformation }: ServerCapabilities,
  packet: ConnectPacket,
  { clientId, sessionExpirySeconds, keepAliveSeconds }: Granted,
): ConnackPacket['properties'] {
  const { sessionExpiryInterval: askedSeconds = 0, requestResponseInformation } = packet.properties;
  // [MQTT-3.1.2-28]: only to clients that asked.
  const respond = requestResponseInformation === 1 && responseInformation !== undefined;
  return {
    ...(sessionExpirySeconds !== askedSeconds && { sessionExpiryInterval: sessionExpirySeconds }),
    ...(packet.clientId === '' && { assignedClientIdentifier: clientId }),
    ...(keepAliveSeconds !== packet.keepAliveSeconds && { serverKeepAlive: keepAliveSeconds }),
    ...(respond && { responseInformation: responseInformation.replaceAll('%c', () => clientId) }),
  };
}

function offeredProperties(offered: ServerCapabilities & ListenerCapabilities): ConnackPacket['properties'] {
  return {
    ...(offered.receiveMaximum < LARGEST_RECEIVE_MAXIMUM && { receiveMaximum: offered.receiveMaximum }),
    ...(offered.maximumQos < 2 && { maximumQos: offered.maximumQos }),
    ...(!offered.retainAvailable && { retainAvailable: 0 }),
    ...(offered.maximumPacketSize < LARGEST_PACKET_BYTES && { maximumPacketSize: offered.maximumPacketSize }),
    ...(offered.topicAliasMaximum > 0 && { topicAliasMaximum: offered.topicAliasMaximum }),
    ...(!offered.wildcardSubscriptionAvailable && { wildcardSubscriptionAvailable: 0 }),
    ...(!offered.subscriptionIdentifierAvailable && { subscriptionIdentifierAvailable: 0 }),
    ...(!offered.sharedSubscriptionAvailable && { sharedSubscriptionAvailable: 0 }),
  };
}

/** Only MQTT 5 can be told of another keep alive than it asked for [MQTT-3.1.2-21] [MQTT-3.2.2-22]. */
export function grantedKeepAlive(packet: ConnectPacket, maximumSeconds: number): number {
  const asked = packet.keepAliveSeconds;
  if (maximumSeconds === 0 || packet.protocolVersion !== 5) return asked;
  return asked === 0 ? maximumSeconds : Math.min(asked, maximumSeconds);
}
