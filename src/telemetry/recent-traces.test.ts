import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, SPANS } from './catalogue.ts';
import type { FinishedSpan } from './finished-span.ts';
import { RecentTraces } from './recent-traces.ts';

let spanCount = 0;
function span(traceId: string, topic = 'a'): FinishedSpan {
  spanCount += 1;
  return {
    definition: SPANS.mqttPublish,
    traceId,
    spanId: spanCount.toString(16).padStart(16, '0'),
    parent: { type: 'none' },
    isEntry: true,
    startedAt: 1,
    endedAt: 2,
    attributes: [{ definition: ATTRIBUTES.mqttTopic, value: topic }],
    droppedAttributes: 0,
    links: [],
    droppedLinks: 0,
    failure: null,
  };
}

const WIDE = { maxTraces: 1000, maxSpans: 100_000, maxBytes: 1e9 };
const newest = (traces: RecentTraces) => Array.from(traces.newestFirst(), (trace) => trace.traceId);

describe('RecentTraces', () => {
  it('joins spans to their trace, late ones too, and brings that trace to the front', () => {
    const traces = new RecentTraces(WIDE);
    for (const traceId of ['one', 'two', 'one']) traces.add(span(traceId));
    assert.equal(traces.get('one')?.spans.length, 2);
    assert.deepEqual(newest(traces), ['one', 'two']);
    assert.equal(traces.get('three'), undefined);
  });

  it('lets the oldest traces go, whole, at the bound of traces', () => {
    const traces = new RecentTraces({ ...WIDE, maxTraces: 2 });
    for (const traceId of ['one', 'two', 'one', 'three']) traces.add(span(traceId));
    assert.deepEqual(newest(traces), ['three', 'one']);
    assert.equal(traces.spanCount, 3);
  });

  it('keeps none at all when told to keep none', () => {
    const traces = new RecentTraces({ ...WIDE, maxTraces: 0 });
    traces.add(span('one'));
    assert.deepEqual(newest(traces), []);
    assert.equal(traces.approximateBytes, 0);
  });

  it('gives one trace a quarter of the store, and counts what of it was not kept', () => {
    const traces = new RecentTraces({ ...WIDE, maxSpans: 40 });
    traces.add(span('other'));
    for (let count = 0; count < 100; count += 1) traces.add(span('huge'));
    assert.equal(traces.get('huge')?.spans.length, 10);
    assert.equal(traces.get('huge')?.droppedSpans, 90);
    assert.ok(traces.get('other'));
  });

  it('tells its followers of every span until they stop', () => {
    const traces = new RecentTraces({ ...WIDE, maxTraces: 0 });
    const seen: string[] = [];
    const stop = traces.follow(({ traceId }) => seen.push(traceId));
    traces.add(span('one'));
    stop();
    traces.add(span('two'));
    assert.deepEqual(seen, ['one']);
  });

  it('stays within its bounds whatever comes', () => {
    const bounds = { maxTraces: 5, maxSpans: 20, maxBytes: 12_000 };
    const input = fc.array(fc.tuple(fc.constantFrom(...'abcdefghij'), fc.nat({ max: 4000 })), { maxLength: 100 });
    fc.assert(
      fc.property(input, (spans) => {
        const traces = new RecentTraces(bounds);
        for (const [traceId, size] of spans) {
          traces.add(span(traceId, 'x'.repeat(size)));
          const kept = [...traces.newestFirst()];
          assert.ok(kept.length <= bounds.maxTraces);
          assert.equal(
            traces.spanCount,
            kept.reduce((sum, trace) => sum + trace.spans.length, 0),
          );
          assert.ok(traces.spanCount <= bounds.maxSpans && traces.approximateBytes <= bounds.maxBytes);
        }
      }),
    );
  });
});
