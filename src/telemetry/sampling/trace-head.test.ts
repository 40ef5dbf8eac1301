import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHOOSES_NONE, thresholdOfRate } from './probability.ts';
import { headMemory, TraceHead } from './trace-head.ts';

const ADA = { clientId: 'ada', userName: 'alice', remoteAddress: '10.1.2.3' };
const NO_NAME = { clientId: 'bob', userName: '', remoteAddress: '192.0.2.1' };

describe('the rate at which traces are chosen when they begin', () => {
  it('is the same for all where there are no rules', () => {
    const head = new TraceHead({ rate: 0.25, followParent: true });
    assert.equal(head.thresholdFor('connect', ADA), thresholdOfRate(0.25));
    assert.equal(head.thresholdOfPublish(headMemory(), ADA, { name: 'a' }), thresholdOfRate(0.25));
  });

  it('is that of the first rule that fits who and what it is', () => {
    const rules = [
      { packet: 'connect', rate: 0.5 },
      { user: 'alice', topic: 'a/#', rate: 1 },
      { address: '10.0.0.0/8', rate: 0.1 },
      { user: '', rate: 0.2 },
    ] as const;
    const head = new TraceHead({ rate: 0, rules, followParent: true });
    assert.equal(head.thresholdFor('connect', ADA), thresholdOfRate(0.5));
    assert.equal(head.thresholdFor('publish', ADA, 'a/b'), 0);
    assert.equal(head.thresholdFor('publish', ADA, 'b'), thresholdOfRate(0.1));
    assert.equal(head.thresholdFor('publish', NO_NAME, 'a/b'), CHOOSES_NONE);
    assert.equal(head.thresholdFor('other'), CHOOSES_NONE);
  });

  it('is looked up again for a publisher only when it publishes to another topic', () => {
    const head = new TraceHead({ rate: 0, rules: [{ topic: 'a', rate: 1 }], followParent: true });
    const memory = headMemory();
    let asked = 0;
    const topicNamed = (text: string) => ({
      get name() {
        asked += 1;
        return text;
      },
    });
    const [a, b] = [topicNamed('a'), topicNamed('b')];
    const thresholds = [a, a, b, b, a].map((topic) => head.thresholdOfPublish(memory, ADA, topic));
    assert.deepEqual(thresholds, [0, 0, CHOOSES_NONE, CHOOSES_NONE, 0]);
    assert.equal(asked, 3);
  });
});
