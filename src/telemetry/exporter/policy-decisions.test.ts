import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from '../metrics.ts';
import { Recording } from '../recording.ts';
import { emptyFacts, type UnitFacts } from '../records/expand/expansion.ts';
import { RecordSource } from '../records/expand/record-source.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KeepPolicy, newKeepCounts } from '../sampling/keep-policy.ts';
import { KEEP_REASON_INDEX } from '../sampling/keep-reason.ts';
import { WatchRules } from '../sampling/watch-rules.ts';
import { KEEP_FAILURES } from '../testing/test-exporter.ts';
import { FactsOfRecord } from './facts-of-record.ts';
import { PolicyDecisions } from './policy-decisions.ts';

const AT = 1_790_000_000_000;
const TRACE = Uint32Array.of(1, 2, 3, 4);
const unit = (facts: Partial<UnitFacts>): UnitFacts => ({ ...emptyFacts(), operation: 'publish', ...facts });
const REASON = { head: KEEP_REASON_INDEX.head + 1, error: KEEP_REASON_INDEX.error + 1 };

function decisionsOf(mayKeep: boolean) {
  const options = { enabled: true, ringBytes: 2 ** 20, maxOpenSpans: 16, rate: 0, followParent: true };
  const source = new RecordSource(new RingReader(new Recording(options, new Metrics()).ring));
  const counts = newKeepCounts();
  const watches = new WatchRules();
  const policy = new KeepPolicy(KEEP_FAILURES, watches, counts, AT);
  return { counts, watches, decisions: new PolicyDecisions(policy, new FactsOfRecord(source), watches, mayKeep) };
}

describe('what the policy says of records', () => {
  it('is its reason, which goes for more of the same where that takes from no budget', () => {
    const { decisions, counts } = decisionsOf(true);
    const head = unit({ head: true });
    assert.equal(decisions.decide(head, 1, TRACE), REASON.head);
    assert.ok(decisions.isSettled(REASON.head));
    decisions.decideAgain(head, 4, REASON.head);
    assert.equal(counts.kept[KEEP_REASON_INDEX.head], 5);
    assert.equal(decisions.decide(unit({ failed: true }), 1, TRACE), REASON.error);
    assert.equal(decisions.isSettled(REASON.error), false);
    assert.equal(decisions.decide(unit({}), 1, TRACE), 0);
    assert.ok(decisions.isSettled(0));
  });

  it('is that nothing is kept where nothing leaves the process', () => {
    const { decisions, counts } = decisionsOf(false);
    assert.equal(decisions.decide(unit({ head: true, failed: true }), 1, TRACE), 0);
    decisions.decideAgain(unit({ head: true }), 4, 0);
    assert.deepEqual([...counts.kept], [...newKeepCounts().kept]);
  });

  it('tells which watch rules fit, whether it is asked to decide or to observe', () => {
    const { decisions, watches } = decisionsOf(false);
    assert.equal(decisions.isWatching, false);
    watches.replace([{ id: 'w', errorsOnly: true, expiresAt: AT, limit: 9, kept: 0 }]);
    assert.equal(decisions.isWatching, true);
    decisions.decide(unit({ failed: true }), 1, TRACE);
    assert.deepEqual(decisions.watchedBy(), ['w']);
    decisions.observe(unit({ failed: true }), 1, Uint32Array.of(5, 6, 7, 8));
    assert.deepEqual(decisions.watchedBy(), ['w']);
    decisions.observe(unit({}), 1, Uint32Array.of(9, 6, 7, 8));
    assert.deepEqual(decisions.watchedBy(), []);
  });
});
