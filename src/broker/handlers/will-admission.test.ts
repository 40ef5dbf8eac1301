import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectPacket } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, Metrics } from '../../telemetry/metrics.ts';
import { TopicLimits } from '../limits/topic-limits.ts';
import { WillAdmission } from './will-admission.ts';

type Will = NonNullable<ConnectPacket['will']>;

const WILL: Will = { topic: 'a/b', payload: Buffer.from('gone'), qos: 1, retain: true, properties: {} };

function ask(will: Partial<Will>, maximumQos = 2, retainAvailable = true) {
  const metrics = new Metrics();
  const topics = new TopicLimits({ maxTopicBytes: 10, maxTopicLevels: 3 }, metrics);
  const admission = new WillAdmission(topics, retainAvailable, metrics);
  const limits = { maximumQos, maximumPacketSize: 1000, maximumQueuedBytes: 1000 };
  const { reasonCode } = admission.refusal({ ...WILL, ...will }, limits) ?? {};
  const hits = (['qos', 'retain', 'topic_length', 'topic_levels'] as const).filter(
    (limit) => metrics.value(counterId(METRICS.limitsHitTotal, limit)) > 0,
  );
  return { reasonCode, hits };
}

describe('a will', () => {
  it('within all limits is taken', () => {
    assert.deepEqual(ask({}), { reasonCode: undefined, hits: [] });
    assert.deepEqual(ask({ qos: 2, topic: 'a/b/c' }), { reasonCode: undefined, hits: [] });
  });

  it('of a higher QoS than is offered is refused [MQTT-3.2.2-12]', () => {
    assert.deepEqual(ask({ qos: 2 }, 1), { reasonCode: ReasonCode.qosNotSupported, hits: ['qos'] });
  });

  it('to be retained where nothing is, is refused [MQTT-3.2.2-13]', () => {
    assert.deepEqual(ask({}, 2, false), { reasonCode: ReasonCode.retainNotSupported, hits: ['retain'] });
    assert.deepEqual(ask({ retain: false }, 2, false), { reasonCode: undefined, hits: [] });
  });

  it('to a topic that is too long or too deep is refused', () => {
    const reasonCode = ReasonCode.topicNameInvalid;
    assert.deepEqual(ask({ topic: 'a'.repeat(11) }), { reasonCode, hits: ['topic_length'] });
    assert.deepEqual(ask({ topic: 'a/b/c/d' }), { reasonCode, hits: ['topic_levels'] });
  });
});
