/** A value of the Payload Format Indicator: UTF-8. */
export const PAYLOAD_IS_TEXT = 1;

/**
 * A PUBLISH seen where it lies in the read buffer: positions, not copies. One object is reused for every packet.
 * Positions index the buffer given to `parsePublish`; ranges are [start, end).
 */
export class PublishView {
  qos = 0;
  retain = false;
  duplicate = false;
  topicStart = 0;
  topicEnd = 0;
  packetId = 0;
  /** The property block without its length prefix; empty in 3.1.1. */
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** 0 where absent (0 itself is malformed on the wire: [MQTT-3.3.2-8]). */
  topicAlias = 0;
  /** Seconds; -1 where absent. */
  messageExpirySeconds = -1;
  /** -1 where absent. */
  payloadFormat = -1;
  /** Range of the value of the user property `traceparent`: -1 where absent, empty where there are several. */
  traceparentStart = -1;
  traceparentEnd = -1;
  /** True when the block holds a property that is not forwarded as it is (topic alias or message expiry). */
  hasHopProperties = false;
}
