import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidTopicFilter, topicMatches } from '../../mqtt/topic.ts';
import { covers, overlaps } from './filter-relation.ts';

/** All sequences of up to `depth` of these levels, as topics or filters. */
function sequences(levels: readonly string[], depth: number): string[] {
  let longest: readonly string[][] = levels.map((level) => [level]);
  const all = [...longest];
  for (let length = 2; length <= depth; length += 1) {
    longest = longest.flatMap((prefix) => levels.map((level) => [...prefix, level]));
    all.push(...longest);
  }
  return all.map((sequence) => sequence.join('/')).filter((sequence) => sequence !== '');
}

// `z` stands in topics only: a level that no filter names. One level more than the filters have shows what `#` takes.
const topics = sequences(['a', 'b', 'z', '', '$s'], 4);
const filters = sequences(['a', 'b', '', '$s', '+', '#'], 3).filter(isValidTopicFilter);
const matched = new Map(filters.map((filter) => [filter, topics.filter((topic) => topicMatches(filter, topic))]));

test('covers and overlaps are what set inclusion and intersection of the matched topics are', () => {
  for (const [one, ofOne] of matched) {
    const setOfOne = new Set(ofOne);
    for (const [other, ofOther] of matched) {
      const pair = `${one} and ${other}`;
      const common = ofOther.filter((topic) => setOfOne.has(topic)).length;
      if (covers(one, other) !== (common === ofOther.length)) assert.fail(`covers: ${pair}`);
      if (overlaps(one, other) !== common > 0) assert.fail(`overlaps: ${pair}`);
    }
  }
});

test('the cases that are easily got wrong', () => {
  assert.equal(covers('a/#', 'a'), true);
  assert.equal(covers('a/+', 'a/#'), false);
  assert.equal(covers('+/#', '#'), true);
  assert.equal(covers('#', '$SYS/#'), false);
  assert.equal(overlaps('secret/#', '#'), true);
  assert.equal(overlaps('a/#', 'a'), true);
  assert.equal(overlaps('+/x', '$SYS/x'), false);
});
