import { isUtf8 } from 'node:buffer';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { PAYLOAD_IS_TEXT } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, type Metrics } from '../../telemetry/metrics.ts';
import type { ConnectionLimits } from '../connection/connection.ts';
import type { TopicLimits } from '../limits/topic-limits.ts';
import { type Refusal, refuse } from './connect-refusal.ts';

const QOS_HIT = counterId(METRICS.limitsHitTotal, 'qos');
const RETAIN_HIT = counterId(METRICS.limitsHitTotal, 'retain');

/** Whether the broker would publish such a will: what a PUBLISH may not be, a will may not be. */
export class WillAdmission {
  readonly #topics: TopicLimits;
  readonly #retainAvailable: boolean;
  readonly #metrics: Metrics;

  constructor(topics: TopicLimits, retainAvailable: boolean, metrics: Metrics) {
    this.#topics = topics;
    this.#retainAvailable = retainAvailable;
    this.#metrics = metrics;
  }

  /** Undefined: it would. */
  refusal(will: NonNullable<ConnectPacket['will']>, { maximumQos }: ConnectionLimits): Refusal | undefined {
    // [MQTT-3.2.2-12]
    if (will.qos > maximumQos) {
      this.#metrics.add(QOS_HIT, 1);
      return refuse(ReasonCode.qosNotSupported, 'qos_not_supported', 'the will asks for a QoS that is not offered');
    }
    // [MQTT-3.2.2-13]
    if (will.retain && !this.#retainAvailable) {
      this.#metrics.add(RETAIN_HIT, 1);
      return refuse(ReasonCode.retainNotSupported, 'retain_not_supported', 'the will is to be retained');
    }
    if (!this.#topics.allow(Buffer.from(will.topic)))
      return refuse(ReasonCode.topicNameInvalid, 'topic_name_invalid', 'the topic of the will is too long or too deep');
    // MQTT 5 section 3.1.3.2.3
    if (will.properties.payloadFormatIndicator !== PAYLOAD_IS_TEXT || isUtf8(will.payload)) return undefined;
    return refuse(
      ReasonCode.payloadFormatInvalid,
      'payload_format_invalid',
      'the will was announced as UTF-8 and is not',
    );
  }
}
