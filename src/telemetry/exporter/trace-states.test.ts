import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Expander } from '../records/expand/expander.ts';
import { emptyFacts } from '../records/expand/expansion.ts';
import { stringOf } from '../records/expand/record-source.ts';
import { ENTRY, MessageEntry } from '../records/message-entry.ts';
import { messageContext } from '../records/message-recorder.ts';
import { RingReader } from '../ring/ring-reader.ts';
import { KEEP_REASON_INDEX, type KeepReason } from '../sampling/keep-reason.ts';
import { NO_THRESHOLD, thresholdOfRate } from '../sampling/probability.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { TraceStates } from './trace-states.ts';

const QUARTER = thresholdOfRate(0.25);

/** The state of a trace that came with `sent` and a link, kept for a reason. */
function stateOf(sent: string, reason: KeepReason, threshold: number, head: boolean): string {
  const { recording } = testTelemetry();
  const { messages } = recording;
  const entry = new MessageEntry();
  const context = messageContext();
  messages.begin(entry, context);
  if (sent !== '') messages.traceState(entry, sent);
  messages.link(entry, context.bytes);
  messages.direct.append(entry);
  messages.endRead({ dispatchedAt: 1, answeredAt: 1, connections: 0, queueDepth: 0, shard: 0 });
  const reader = new RingReader(recording.ring);
  const expander = new Expander(reader, recording.seed, { cluster: 'test', brokerId: 'b' });
  const facts = { ...emptyFacts(), extra: entry.u32[ENTRY.extra]!, threshold, head };
  return stringOf(new TraceStates(expander.source).of(facts, KEEP_REASON_INDEX[reason] + 1));
}

describe('tracestate of an exported trace', () => {
  it('says by which probability our rate chose it, in front of what the caller sent', () => {
    assert.equal(stateOf('', 'head', QUARTER, true), 'ot=th:c');
    assert.equal(stateOf('', 'head', thresholdOfRate(1), true), 'ot=th:0');
    assert.equal(stateOf('x=1,ot=th:8;rv:00000000000000', 'head', QUARTER, true), 'ot=th:c;rv:00000000000000,x=1');
  });

  it('is the caller’s where its flag chose the trace', () => {
    assert.equal(stateOf('x=1,ot=th:8', 'forced', NO_THRESHOLD, true), 'x=1,ot=th:8');
    assert.equal(stateOf('x=1,ot=th:8', 'head', NO_THRESHOLD, true), 'x=1,ot=th:8');
    assert.equal(stateOf('', 'forced', NO_THRESHOLD, true), '');
  });

  it('tells of no probability where the trace is kept for what happened to it', () => {
    assert.equal(stateOf('x=1,ot=th:8', 'error', NO_THRESHOLD, false), 'x=1');
    assert.equal(stateOf('ot=th:8', 'slow', NO_THRESHOLD, false), '');
    assert.equal(stateOf('', 'error', NO_THRESHOLD, false), '');
  });

  it('is none where what the caller sent is none', () => {
    assert.equal(stateOf('nonsense', 'forced', NO_THRESHOLD, true), '');
    assert.equal(stateOf('nonsense', 'head', QUARTER, true), 'ot=th:c');
  });
});
