import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KeepOptions, KeepPolicy, newKeepCounts } from './keep-policy.ts';
import { KEEP_REASON_INDEX, KEEP_REASONS, type KeepReason } from './keep-reason.ts';
import { traceFacts } from './testing/trace-facts.ts';
import { WatchRules } from './watch-rules.ts';

const NOW = 1_700_000_000_000;
const OPTIONS: KeepOptions = {
  slowThresholdMs: 1000,
  slowQuantile: 0.999,
  keepErrors: true,
  keepDropped: true,
  keepRedeliveredAfter: 3,
  maxKeptPerSecond: 0,
};

type Facts = Parameters<typeof traceFacts>[0];

function policyOf(options: Partial<KeepOptions> = {}, watched?: string) {
  const counts = newKeepCounts();
  const watches = new WatchRules();
  if (watched !== undefined)
    watches.replace([{ id: 'w', clientId: watched, expiresAt: NOW + 1000, limit: 1000, kept: 0 }]);
  const policy = new KeepPolicy({ ...OPTIONS, ...options }, watches, counts, NOW);
  return {
    watches,
    decide: (facts: Facts, now = NOW) => policy.decide(traceFacts(facts), now),
    isSettled: (reason: KeepReason | undefined) => policy.isSettled(reason),
    decideAgain: (facts: Facts, reason: KeepReason | undefined) => policy.decideAgain(traceFacts(facts), reason, NOW),
    observe: (facts: Facts) => policy.observe(traceFacts(facts), NOW),
    kept: (reason: KeepReason) => counts.kept[KEEP_REASON_INDEX[reason]],
    notKept: (reason: KeepReason) => counts.notKept[KEEP_REASON_INDEX[reason]],
  };
}

describe('a trace is kept', () => {
  const reasons: Readonly<Record<KeepReason, Facts>> = {
    head: { headSampled: true },
    forced: { forced: true },
    dropped: { failed: true, dropped: true },
    error: { failed: true },
    redelivered: { redeliveries: 4 },
    slow: { durationMs: 1000.1 },
    watch: { clientId: 'watched' },
  };

  for (const [reason, facts] of Object.entries(reasons))
    it(`because of "${reason}"`, () => {
      const { decide, kept } = policyOf({}, 'watched');
      assert.equal(decide(facts), reason);
      assert.equal(kept(reason as KeepReason), 1);
    });

  it('for no reason at all: not', () => {
    const { decide, kept, notKept } = policyOf({}, 'watched');
    assert.equal(decide({ redeliveries: 3, durationMs: 1000 }), undefined);
    for (const reason of KEEP_REASONS) assert.deepEqual([kept(reason), notKept(reason)], [0, 0]);
  });

  it('by the first of its reasons', () => {
    for (const [index, reason] of KEEP_REASONS.entries()) {
      const all = Object.assign({}, ...KEEP_REASONS.slice(index).map((other) => reasons[other]));
      assert.equal(policyOf({}, 'watched').decide(all), reason);
    }
  });

  it('only for what is asked for', () => {
    const options = {
      slowThresholdMs: 0,
      slowQuantile: 0,
      keepErrors: false,
      keepDropped: false,
      keepRedeliveredAfter: 9,
    };
    const { decide } = policyOf(options);
    assert.equal(decide({ failed: true, dropped: true, redeliveries: 9, durationMs: 1e9, topicKey: 1 }), undefined);
  });
});

describe('a watched trace', () => {
  it('is counted for its rule whatever it is kept for', () => {
    const { decide, watches } = policyOf({}, 'watched');
    decide({ clientId: 'watched', headSampled: true });
    decide({ clientId: 'watched', failed: true });
    decide({ clientId: 'watched' });
    assert.deepEqual(watches.takeCounts(), [{ id: 'w', traces: 3 }]);
  });
});

describe('beyond the budget', () => {
  it('nothing is kept afterwards, and that is counted by the first reason; the head is not touched', () => {
    const { decide, kept, notKept } = policyOf({ maxKeptPerSecond: 4 });
    for (let count = 0; count < 10; count += 1) decide({ failed: true });
    assert.equal(kept('error')! + notKept('error')!, 10);
    assert.ok(kept('error')! <= 5);
    assert.equal(decide({ failed: true, headSampled: true }), 'head');
    assert.equal(decide({ failed: true, forced: true }), 'forced');
  });

  it('a trace may still be kept for its next reason', () => {
    const { decide, notKept } = policyOf({ maxKeptPerSecond: 4 }, 'watched');
    while (decide({ failed: true }) !== undefined);
    const before = notKept('error');
    assert.equal(decide({ failed: true, redeliveries: 4 }), 'redelivered');
    assert.equal(decide({ failed: true, clientId: 'watched' }), 'watch');
    assert.equal(notKept('error'), before);
  });

  it('a trace with several reasons is counted by the first', () => {
    const { decide, notKept } = policyOf({ maxKeptPerSecond: 4 });
    const all = { failed: true, dropped: true, redeliveries: 4, durationMs: 1001 };
    for (let count = 0; count < 20; count += 1) decide(all);
    assert.ok(notKept('dropped')! > 0);
    for (const reason of ['error', 'redelivered', 'slow'] as const) assert.equal(notKept(reason), 0);
  });

  it('what was dropped leaves errors their share', () => {
    const { decide, kept } = policyOf({ maxKeptPerSecond: 4 });
    for (let count = 0; count < 20; count += 1) decide({ failed: true, dropped: true });
    assert.equal(kept('error'), 0);
    assert.equal(decide({ failed: true }), 'error');
  });

  it('what was dropped is kept as an error where it is kept for nothing else', () => {
    const { decide } = policyOf({ keepDropped: false });
    assert.equal(decide({ failed: true, dropped: true }), 'error');
  });

  it('all traces of a record are paid for', () => {
    const { decide, kept, notKept } = policyOf({ maxKeptPerSecond: 4 });
    for (let step = 0; step < 1000; step += 1) decide({ failed: true, traces: 100 }, NOW + step * 100);
    // 400 in a hundred seconds, what was there at first, and one record more from its share and one from the pool.
    assert.ok(kept('error')! >= 400 && kept('error')! <= 400 + 8 + 200, String(kept('error')));
    assert.equal(kept('error')! + notKept('error')!, 100_000);
  });
});

describe('a decision', () => {
  it('goes for others of which all is the same, unless it takes from a budget', () => {
    const { isSettled } = policyOf();
    for (const reason of [undefined, ...KEEP_REASONS])
      assert.equal(isSettled(reason), reason === undefined || reason === 'head' || reason === 'forced', reason);
  });

  it('counts them as if each had been asked about', () => {
    for (const [facts, count] of [
      [{ headSampled: true }, (policy: ReturnType<typeof policyOf>) => policy.kept('head')],
      [{ failed: true }, (policy: ReturnType<typeof policyOf>) => policy.notKept('error')],
    ] as const) {
      const policy = policyOf({ maxKeptPerSecond: 4 });
      while (policy.decide({ failed: true }) !== undefined);
      const reason = policy.decide(facts);
      const before = count(policy)!;
      policy.decideAgain({ ...facts, traces: 7 }, reason);
      assert.equal(count(policy), before + 7);
    }
  });

  it('is known to the topic’s quantile by all of them', () => {
    const { decide, decideAgain, kept } = policyOf({ slowThresholdMs: 0 });
    decideAgain({ topicKey: 1, traces: 5000 }, decide({ topicKey: 1 }));
    assert.equal(decide({ topicKey: 1, durationMs: 2 }), 'slow');
    assert.equal(kept('slow'), 1);
  });
});

describe('a topic’s own quantile', () => {
  it('is of publishing and of delivering apart, and learns from kept traces too', () => {
    const { decide, observe } = policyOf();
    for (let count = 0; count < 2000; count += 1) {
      decide({ topicKey: 5, durationMs: 1 });
      observe({ topicKey: 5, durationMs: 10, packet: 'delivery' });
    }
    assert.equal(decide({ topicKey: 5, durationMs: 5 }), 'slow');
    assert.equal(decide({ topicKey: 5, durationMs: 5, packet: 'delivery' }), undefined);
    assert.equal(decide({ topicKey: 5, durationMs: 20, packet: 'delivery' }), 'slow');
    assert.equal(decide({ topicKey: 6, durationMs: 5 }), undefined);
    assert.equal(decide({ topicKey: 5, durationMs: 5, packet: 'subscribe' }), undefined);
  });
});
