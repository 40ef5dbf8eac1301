import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TopicMatcher } from '../common/topic-matcher.ts';
import { readBlockList, writeBlockList } from './block-list.ts';
import { encodeTopics, SealedTopicIndex, selectBlocks, type TopicBlocks } from './topic-index.ts';
import { TopicIndexBuilder } from './topic-index-builder.ts';

function add(builder: TopicIndexBuilder, topic: string, block: number): void {
  const bytes = Buffer.from(`<${topic}>`);
  builder.add(bytes, 1, bytes.length - 1, block);
}

const selected = (topics: TopicBlocks, filters: string[], blocks: number) =>
  [...selectBlocks(topics, new TopicMatcher(filters, filters.join('\0')), blocks)].flatMap((bit, block) =>
    bit === 1 ? [block] : [],
  );

describe('a topic index', () => {
  it('knows the blocks of every topic, written and read again too', () => {
    const entry = fc.record({ topic: fc.string({ unit: 'grapheme', maxLength: 6 }), step: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const builder = new TopicIndexBuilder();
        const expected = new Map<string, number[]>();
        let block = 0;
        for (const { topic, step } of entries) {
          block += step;
          add(builder, topic, block);
          const blocks = expected.get(topic) ?? [];
          if (blocks.at(-1) !== block) blocks.push(block);
          expected.set(topic, blocks);
        }
        const sealed = new SealedTopicIndex(encodeTopics(builder));
        for (const topics of [builder, sealed, TopicIndexBuilder.from(sealed)]) {
          const found = Array.from({ length: topics.topicCount }, (_, ordinal) => [
            topics.topic(ordinal),
            topics.blocksOf(ordinal),
          ]);
          assert.deepEqual(found, [...expected]);
          assert.deepEqual(topics.unlisted(), []);
        }
      }),
    );
  });

  it('lists no more topics than its limit; blocks with others are always selected', () => {
    const builder = new TopicIndexBuilder(2);
    ['a', 'b', 'c', 'a', 'd'].forEach((topic, block) => void add(builder, topic, block));
    assert.equal(builder.topicCount, 2);
    for (const topics of [builder, new SealedTopicIndex(encodeTopics(builder))]) {
      assert.deepEqual(selected(topics, ['a'], 5), [0, 2, 3, 4]);
      assert.deepEqual(selected(topics, ['c'], 5), [2, 4]);
    }
  });

  it('forgets blocks from a number on, and goes on from there', () => {
    const builder = new TopicIndexBuilder(1);
    ['a', 'b', 'a', 'b'].forEach((topic, block) => void add(builder, topic, block));
    builder.truncate(2);
    assert.deepEqual(selected(builder, ['a'], 4), [0, 1]);
    add(builder, 'a', 2);
    assert.deepEqual(selected(builder, ['a'], 4), [0, 1, 2]);
  });

  it('grows over many topics', () => {
    const builder = new TopicIndexBuilder();
    for (let number = 0; number < 10_000; number += 1) add(builder, `device/${number}/state`, number >> 4);
    assert.equal(builder.topicCount, 10_000);
    add(builder, 'device/77/state', 700);
    assert.deepEqual(selected(builder, ['device/77/state'], 701), [4, 700]);
    assert.deepEqual(selected(builder, ['device/+/status'], 701), []);
  });
});

describe('a block list', () => {
  it('is read as it was written, wherever it lies', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 31)), (numbers) => {
        const blocks = [...numbers].sort((left, right) => left - right);
        const bytes = Buffer.concat([Buffer.from([9, 9]), writeBlockList(blocks), Buffer.from([9])]);
        assert.deepEqual(readBlockList(bytes, 2), { blocks, end: bytes.length - 1 });
      }),
    );
  });
});
