import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, Metrics } from '../../telemetry/metrics.ts';
import { TopicLimits } from './topic-limits.ts';

function open() {
  const metrics = new Metrics();
  const limits = new TopicLimits({ maxTopicBytes: 8, maxTopicLevels: 3 }, metrics);
  return {
    limits,
    hits: () => ({
      length: metrics.value(counterId(METRICS.limitsHitTotal, 'topic_length')),
      levels: metrics.value(counterId(METRICS.limitsHitTotal, 'topic_levels')),
    }),
  };
}

describe('a topic', () => {
  it('may have as many bytes and levels as the limits say', () => {
    const { limits, hits } = open();
    for (const topic of ['a', 'a/b/c', 'aa/bbb/c', '//', 'ääää']) assert.ok(limits.allow(Buffer.from(topic)), topic);
    assert.deepEqual(hits(), { length: 0, levels: 0 });
  });

  it('may have no more, and which limit it hit is counted', () => {
    const { limits, hits } = open();
    assert.equal(limits.allow(Buffer.from('äääää')), false);
    assert.deepEqual(hits(), { length: 1, levels: 0 });
    assert.equal(limits.allow(Buffer.from('a/b/c/d')), false);
    assert.equal(limits.allow(Buffer.from('///')), false);
    assert.deepEqual(hits(), { length: 1, levels: 2 });
  });

  it('is looked at where it lies', () => {
    const { limits } = open();
    assert.ok(limits.allow(Buffer.from('a/b/c/d'), 0, 5));
    assert.equal(limits.allow(Buffer.from('a/b/c/d')), false);
  });
});
