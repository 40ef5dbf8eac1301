import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReasonCode } from './reason-code.ts';
import { isValidTopicFilter, parseSharedFilter, splitLevels, topicMatches, validateTopicName } from './topic.ts';

function nameReason(topic: string | number[]): ReasonCode {
  const bytes = Buffer.from(topic as string);
  return validateTopicName(bytes, 0, bytes.length);
}

test('a topic name has at least one character and no wildcards [MQTT-4.7.3-1] [MQTT-3.3.2-2]', () => {
  for (const topic of ['a', '/', ' ', 'a/b', '$SYS/x', 'größe/日本/😀']) assert.equal(nameReason(topic), 0, topic);
  for (const topic of ['', '#', '+', 'a/#', 'a+b']) assert.equal(nameReason(topic), ReasonCode.topicNameInvalid, topic);
});

test('a topic name is well formed UTF-8 without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]', () => {
  assert.equal(nameReason('a\0b'), ReasonCode.malformedPacket);
  for (const bytes of [[0x80], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc1, 0xbf]]) {
    assert.equal(nameReason(bytes), ReasonCode.malformedPacket, bytes.join());
  }
});

test('well formed UTF-8 is what a strict decoder takes, U+0000 aside', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const nearUtf8 = fc.array(
    fc.constantFrom(0x41, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(nearUtf8, (bytes) => {
      let wellFormed = true;
      try {
        strict.decode(new Uint8Array(bytes));
      } catch {
        wellFormed = false;
      }
      assert.equal(nameReason(bytes) === ReasonCode.success, wellFormed);
    }),
    { numRuns: 3000 },
  );
});

test('wildcards stand alone in a level, # only in the last [MQTT-4.7.1-1] [MQTT-4.7.1-2]', () => {
  for (const filter of ['#', '+', '/', 'a/#', '+/+', '/+', 'a/+/b/#', '$SYS/#'])
    assert.ok(isValidTopicFilter(filter), filter);
  for (const filter of ['', 'a#', 'a/#/b', '#/', 'a+', '+a', 'a/b+/c', '##', 'a\0']) {
    assert.ok(!isValidTopicFilter(filter), filter);
  }
});

test('filters cover topics level by level', () => {
  const covers: [string, string][] = [
    ['a/b', 'a/b'],
    ['a/#', 'a'],
    ['a/#', 'a/b/c'],
    ['#', 'a/b'],
    ['+', 'a'],
    ['/+', '/a'],
    ['+/+', '/a'],
    ['a/+', 'a/'],
    ['$SYS/#', '$SYS/x'],
    ['$SYS/+', '$SYS/x'],
  ];
  for (const [filter, topic] of covers) assert.ok(topicMatches(filter, topic), `${filter} covers ${topic}`);
  const misses: [string, string][] = [
    ['a/b', 'a'],
    ['a', 'a/b'],
    ['+', '/a'],
    ['+', 'a/'],
    ['a/+', 'a'],
    ['A', 'a'],
    ['a/b/#', 'a'],
  ];
  for (const [filter, topic] of misses) assert.ok(!topicMatches(filter, topic), `${filter} does not cover ${topic}`);
});

test('a wildcard in front does not cover a topic that begins with $ [MQTT-4.7.2-1]', () => {
  for (const filter of ['#', '+/x', '+/#']) assert.ok(!topicMatches(filter, '$SYS/x'), filter);
});

test('a topic with some levels replaced by wildcards covers it', () => {
  const levels = fc.array(fc.tuple(fc.constantFrom('', 'a', 'b', 'ü'), fc.boolean()), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(levels, fc.nat(6), (chosen, cut) => {
      const topic = chosen.map(([level]) => level).join('/');
      const single = chosen.map(([level, wild]) => (wild ? '+' : level));
      assert.ok(topicMatches(single.join('/'), topic));
      assert.ok(topicMatches([...single.slice(0, cut), '#'].join('/'), topic));
      assert.ok(!topicMatches([...single, '+'].join('/'), topic));
      assert.equal(splitLevels(topic).length, chosen.length);
    }),
  );
});

test('a shared filter has a share name and a filter [MQTT-4.8.2-1] [MQTT-4.8.2-2]', () => {
  assert.deepEqual(parseSharedFilter('$share/g/a/#'), { type: 'shared', group: 'g', filter: 'a/#' });
  assert.deepEqual(parseSharedFilter('$share/g//'), { type: 'shared', group: 'g', filter: '/' });
  for (const filter of ['$share/', '$share/g', '$share/g/', '$share//a', '$share/+/a', '$share/g#/a', '$share/g/a#']) {
    assert.deepEqual(parseSharedFilter(filter), { type: 'invalid' }, filter);
  }
  assert.deepEqual(parseSharedFilter('$shared/g/a'), { type: 'plain', filter: '$shared/g/a' });
  assert.deepEqual(parseSharedFilter('$share'), { type: 'plain', filter: '$share' });
  assert.deepEqual(parseSharedFilter('a#'), { type: 'invalid' });
});
