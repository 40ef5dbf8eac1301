import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { traceFacts } from './testing/trace-facts.ts';
import { MAX_WATCH_RULES, type WatchRule, WatchRules } from './watch-rules.ts';

const NOW = 1_700_000_000_000;

const rule = (wanted: Partial<WatchRule> = {}): WatchRule => ({
  id: 'w1',
  expiresAt: NOW + 1000,
  limit: 3,
  kept: 0,
  ...wanted,
});

function watching(...rules: readonly WatchRule[]): WatchRules {
  const watches = new WatchRules();
  watches.replace(rules);
  return watches;
}

const fits = (wanted: Partial<WatchRule>, facts: Parameters<typeof traceFacts>[0]): boolean =>
  watching(rule(wanted)).matches(traceFacts(facts), NOW);

describe('a watch rule', () => {
  const cases: readonly (readonly [
    Partial<WatchRule>,
    Parameters<typeof traceFacts>[0],
    Parameters<typeof traceFacts>[0],
  ])[] = [
    [{ clientId: 'meter-*' }, { clientId: 'meter-7' }, { clientId: 'gateway' }],
    [{ topic: 'a/#' }, { topic: 'a/b' }, { topic: 'b' }],
    [{ topic: '#' }, { topic: 'a' }, { topic: '' }],
    [{ user: 'alice' }, { user: 'alice' }, { user: '' }],
    [{ address: '10.0.0.0/8' }, { address: '10.9.9.9' }, { address: '11.0.0.1' }],
    [{ minDurationMs: 50 }, { durationMs: 50 }, { durationMs: 49.9 }],
    [{ errorsOnly: true }, { failed: true }, { failed: false }],
    [
      { clientId: 'a', topic: 'b' },
      { clientId: 'a', topic: 'b' },
      { clientId: 'a', topic: 'c' },
    ],
  ];
  for (const [wanted, fitting, other] of cases)
    it(`${JSON.stringify(wanted)} fits ${JSON.stringify(fitting)} and not ${JSON.stringify(other)}`, () => {
      assert.equal(fits(wanted, fitting), true);
      assert.equal(fits(wanted, other), false);
    });

  it('ends at its limit, and when it expires', () => {
    const watches = watching(rule());
    const asked = (now: number) => watches.matches(traceFacts(), now);
    assert.deepEqual([asked(NOW), asked(NOW), asked(NOW), asked(NOW)], [true, true, true, false]);
    assert.equal(watching(rule()).matches(traceFacts(), NOW + 999), true);
    assert.equal(watching(rule()).matches(traceFacts(), NOW + 1000), false);
  });

  it('keeps the record with which it reaches its limit whole', () => {
    const watches = watching(rule());
    const batch = traceFacts({ traces: 5 });
    assert.deepEqual([watches.matches(batch, NOW), watches.matches(batch, NOW)], [true, false]);
    assert.deepEqual(watches.takeCounts(), [{ id: 'w1', traces: 5 }]);
  });

  it('tells what it counted once', () => {
    const watches = watching(rule(), rule({ id: 'w2', clientId: 'nobody' }));
    watches.matches(traceFacts(), NOW);
    assert.deepEqual(watches.takeCounts(), [{ id: 'w1', traces: 1 }]);
    assert.deepEqual(watches.takeCounts(), []);
    watches.matches(traceFacts(), NOW);
    assert.deepEqual(watches.takeCounts(), [{ id: 'w1', traces: 1 }]);
  });

  it('goes on counting when the list is replaced, and counts with what others counted', () => {
    const watches = watching(rule());
    watches.matches(traceFacts(), NOW);
    watches.replace([rule(), rule({ id: 'w2', clientId: 'nobody' })]);
    watches.matches(traceFacts(), NOW);
    // Another node had one, and ours have been told.
    watches.replace([rule({ kept: 3 })]);
    assert.equal(watches.matches(traceFacts(), NOW), false);
  });

  it('counts from what was kept before, also where its own counts have not come back yet', () => {
    const watches = watching(rule({ kept: 1 }));
    watches.matches(traceFacts(), NOW);
    watches.matches(traceFacts(), NOW);
    watches.replace([rule({ kept: 1 })]);
    assert.equal(watches.matches(traceFacts(), NOW), false);
  });

  it('is gone when the list no longer has it, and of too many the last are left out', () => {
    const watches = watching(rule());
    watches.replace([]);
    assert.ok(watches.isEmpty);
    const many = Array.from({ length: MAX_WATCH_RULES + 1 }, (_, index) => rule({ id: `w${index}` }));
    watches.replace(many);
    watches.matches(traceFacts(), NOW);
    assert.equal(watches.takeCounts().length, MAX_WATCH_RULES);
  });
});
