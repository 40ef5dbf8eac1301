import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Participant, type TraceFilter, type TraceKnowledge, TraceMatcher } from './trace-filter.ts';

const ALICE: Participant = { clientId: 'meter-1', user: 'alice', address: '10.0.0.1' };

function part(
  more: Partial<{ failed: boolean; ms: number; who: readonly Participant[]; topics: string[] }>,
): TraceKnowledge {
  const { failed = false, ms = 5, who = [ALICE], topics = ['a/b'] } = more;
  return { failed, startedAt: 1000, endedAt: 1000 + ms, participants: () => who, topics: () => topics };
}

const judged = (filter: TraceFilter, more: Parameters<typeof part>[0] = {}) =>
  new TraceMatcher(filter).judge(part(more));

describe('what a part says of its trace', () => {
  it('is all that is asked for, or what the whole must say, or that it is not wanted', () => {
    assert.equal(judged({}), 'likely');
    assert.equal(judged({ clientId: 'meter-*', topic: 'a/#', user: 'alice', address: '10.0.0.0/8' }), 'likely');
    assert.equal(judged({ clientId: 'door' }), 'no');
    assert.equal(judged({ clientId: 'meter-1', topic: 'b' }), 'no');
    // A delivery need not say its topic, nor a failed write its client.
    assert.equal(judged({ clientId: 'meter-1', topic: 'b' }, { topics: [] }), 'perhaps');
    assert.equal(judged({ topic: 'b' }, { topics: [] }), 'no');
    assert.equal(judged({ clientId: 'door', error: true }, { failed: true, who: [] }), 'perhaps');
    assert.equal(judged({ clientId: 'door', error: true }, { failed: false }), 'no');
    assert.equal(judged({ error: false }, { failed: true }), 'no');
    assert.equal(judged({ minDurationMs: 6 }), 'perhaps');
    assert.equal(judged({ since: 1006 }), 'no');
    // It may have begun before, and still end the trace that has.
    assert.equal(judged({ since: 1003 }), 'likely');
  });
});

describe('whether a trace is wanted', () => {
  const isWanted = (filter: TraceFilter, more: Parameters<typeof part>[0] = {}) =>
    new TraceMatcher(filter).matches(part(more));

  it('is said by the whole of it', () => {
    assert.ok(isWanted({ clientId: 'meter-*', error: true, minDurationMs: 5, since: 1000 }, { failed: true }));
    for (const filter of [{ error: true }, { minDurationMs: 6 }, { since: 1001 }, { topic: 'b' }, { user: 'bob' }])
      assert.ok(!isWanted(filter));
  });

  it('and all that is asked of a client is asked of the same one', () => {
    const bob: Participant = { clientId: 'door', user: 'bob', address: '192.0.2.1' };
    assert.ok(isWanted({ clientId: 'door', user: 'bob' }, { who: [ALICE, bob] }));
    assert.ok(!isWanted({ clientId: 'door', user: 'alice' }, { who: [ALICE, bob] }));
  });
});
