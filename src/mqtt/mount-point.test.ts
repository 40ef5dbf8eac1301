import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mountFilter, mountTopic, writeMounted } from './mount-point.ts';
import { isValidTopicFilter, parseSharedFilter, topicMatches } from './topic.ts';

const MOUNT = 'hall/größe/';
const level = fc.constantFrom('', 'a', 'ä', '$x', '$SYS');
const anyTopic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const anyFilter = fc
  .array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 })
  .chain((levels) => fc.constantFrom(levels.join('/'), [...levels, '#'].join('/')));

describe('a mount point', () => {
  it('stands in front of a topic, but not below $SYS', () => {
    assert.equal(mountTopic(MOUNT, 'a/b'), `${MOUNT}a/b`);
    assert.equal(mountTopic(MOUNT, '$SYSTEM/a'), `${MOUNT}$SYSTEM/a`);
    for (const topic of ['$SYS', '$SYS/broker']) assert.equal(mountTopic(MOUNT, topic), topic);
    assert.equal(mountTopic('', 'a'), 'a');
  });

  it('stands in front of a filter, behind the name of a shared group', () => {
    assert.equal(mountFilter(MOUNT, '+/#'), `${MOUNT}+/#`);
    assert.equal(mountFilter(MOUNT, '$share/g/+/a'), `$share/g/${MOUNT}+/a`);
    for (const filter of ['$SYS/#', '$share/g/$SYS/#']) assert.equal(mountFilter(MOUNT, filter), filter);
    for (const invalid of ['a#', '$share/g', '$share//a'])
      assert.deepEqual(parseSharedFilter(mountFilter(MOUNT, invalid)), { type: 'invalid' });
  });

  it('is written like it is read, wherever the topic lies', () => {
    const out = Buffer.alloc(200);
    fc.assert(
      fc.property(anyTopic, (topic) => {
        const bytes = Buffer.from(`xx${topic}xx`);
        const length = writeMounted(MOUNT, bytes, 2, bytes.length - 2, out);
        assert.equal(out.toString('utf8', 0, length), mountTopic(MOUNT, topic));
      }),
    );
  });

  it('keeps filters valid, and what they match', () => {
    fc.assert(
      fc.property(anyFilter, anyTopic, (filter, topic) => {
        fc.pre(isValidTopicFilter(filter) && topic !== '' && !topic.startsWith('$'));
        const mounted = mountFilter(MOUNT, filter);
        assert.ok(isValidTopicFilter(mounted));
        assert.equal(topicMatches(mounted, mountTopic(MOUNT, topic)), topicMatches(filter, topic));
      }),
    );
  });
});
