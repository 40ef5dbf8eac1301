import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { topicMatches } from '../../mqtt/topic.ts';
import { anyFilter, anyTopic } from './testing/arbitraries.ts';
import { bucketsOf, TopicVersions } from './topic-versions.ts';

describe('topic versions', () => {
  it('grow with every change under a filter that matches the topic', () => {
    fc.assert(
      fc.property(anyTopic, anyFilter, (topic, filter) => {
        fc.pre(topicMatches(filter, topic));
        const versions = new TopicVersions();
        const before = versions.of(bucketsOf(topic));
        versions.changed(filter);
        assert.ok(versions.of(bucketsOf(topic)) > before);
      }),
    );
  });

  it('stay when a client subscribes to topics of its own', () => {
    const versions = new TopicVersions();
    const buckets = bucketsOf('sensor/1');
    versions.changed('client/7/inbox');
    versions.changed('client/7/+/state');
    versions.changed('sensor/2');
    assert.equal(versions.of(buckets), 0);
    versions.changed('sensor/#');
    assert.equal(versions.of(buckets), 1);
  });
});
