import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ATTRIBUTES, METRICS, SPANS } from './catalogue.ts';
import type { FinishedSpan } from './finished-span.ts';
import { counterId, Metrics } from './metrics.ts';
import { PooledRecorder } from './pooled-recorder.ts';
import { Random } from './random.ts';
import type { SpanHandle } from './recorder.ts';
import { ratioSampler } from './sampler.ts';
import { MAX_ATTRIBUTES, MAX_LINKS, MAX_STRING_LENGTH } from './span-limits.ts';
import { CONTEXT_BYTES, FLAGS_AT, hasTrace, isSampled, spanIdOf, traceIdOf } from './trace-context.ts';

function setUp({ rate = 1, followsParent = true, maxOpenSpans = 16 } = {}) {
  const finished: FinishedSpan[] = [];
  const metrics = new Metrics();
  const recorder = new PooledRecorder(
    { sampler: ratioSampler(rate, followsParent), maxOpenSpans },
    new Random([1, 2, 3, 4]),
    metrics,
    (span) => finished.push(span),
  );
  const contextOf = (handle: SpanHandle) => {
    const context = new Uint8Array(CONTEXT_BYTES);
    recorder.context(handle, context, 0);
    return context;
  };
  return { recorder, metrics, finished, contextOf };
}

const traces = counterId(METRICS.tracesTotal);
const traceErrors = counterId(METRICS.traceErrorsTotal);
const poolFull = counterId(METRICS.spansDroppedTotal, 'pool_full');
const parentEnded = counterId(METRICS.spansDroppedTotal, 'parent_ended');

describe('a root span', () => {
  it('begins a trace of its own and is handed on when it ends', () => {
    const { recorder, finished, metrics, contextOf } = setUp();
    const span = recorder.root(SPANS.mqttPublish, 1000.25);
    const context = contextOf(span);
    recorder.attribute(span, ATTRIBUTES.mqttTopic, 'a/b');
    assert.deepEqual(finished, []);
    recorder.end(span, 1001.5);
    assert.equal(finished.length, 1);
    assert.deepEqual(finished[0], {
      definition: SPANS.mqttPublish,
      traceId: traceIdOf(context),
      spanId: spanIdOf(context),
      parent: { type: 'none' },
      isEntry: true,
      startedAt: 1000.25,
      endedAt: 1001.5,
      attributes: [{ definition: ATTRIBUTES.mqttTopic, value: 'a/b' }],
      droppedAttributes: 0,
      links: [],
      droppedLinks: 0,
      failure: null,
    });
    assert.ok(hasTrace(context) && isSampled(context));
    assert.equal(metrics.value(traces), 1);
  });

  it('that is not sampled is handle 0, which every call passes over', () => {
    const { recorder, finished, metrics, contextOf } = setUp({ rate: 0 });
    const span = recorder.root(SPANS.mqttPublish, 1);
    assert.equal(span, 0);
    assert.equal(recorder.child(SPANS.storagePersist, span, 1), 0);
    recorder.attribute(span, ATTRIBUTES.mqttQos, 1);
    recorder.fail(span, 'no_space', 'full');
    recorder.link(span, new Uint8Array(CONTEXT_BYTES).fill(1), 0);
    recorder.end(span, 2);
    assert.deepEqual(contextOf(span), new Uint8Array(CONTEXT_BYTES));
    assert.deepEqual(finished, []);
    assert.equal(metrics.value(traces), 0);
  });

  it('is recorded at about the rate', () => {
    const { recorder } = setUp({ rate: 0.1 });
    let recorded = 0;
    for (let count = 0; count < 10_000; count += 1) {
      const span = recorder.root(SPANS.mqttPublish, 1);
      if (span !== 0) recorded += 1;
      recorder.end(span, 1);
    }
    assert.ok(recorded > 800 && recorded < 1200, String(recorded));
  });
});

describe('a child span', () => {
  it('is in the trace of its parent, below it, whoever ends first', () => {
    const { recorder, finished, contextOf } = setUp();
    const parent = recorder.root(SPANS.mqttPublish, 1);
    const child = recorder.child(SPANS.storagePersist, parent, 2);
    const parentContext = contextOf(parent);
    assert.equal(traceIdOf(contextOf(child)), traceIdOf(parentContext));
    recorder.end(parent, 3);
    recorder.end(child, 4);
    assert.deepEqual(finished[1]?.parent, { type: 'local', spanId: spanIdOf(parentContext) });
    assert.notEqual(finished[1]?.spanId, finished[0]?.spanId);
    assert.equal(finished[1]?.isEntry, false);
  });

  it('of a span that has ended is not recorded, and counted', () => {
    const { recorder, metrics } = setUp();
    const parent = recorder.root(SPANS.mqttPublish, 1);
    recorder.end(parent, 2);
    assert.equal(recorder.child(SPANS.storagePersist, parent, 3), 0);
    assert.equal(metrics.value(parentEnded), 1);
  });
});

describe('a continued span', () => {
  it('has the trace id and, as remote parent, the span id of the context', () => {
    const { recorder, finished } = setUp({ rate: 0 });
    const context = Uint8Array.from({ length: CONTEXT_BYTES + 5 }, (_, index) => index);
    context[5 + FLAGS_AT] = 1;
    recorder.end(recorder.continued(SPANS.mqttPublish, context, 5, 1), 2);
    assert.equal(finished[0]?.traceId, traceIdOf(context, 5));
    assert.deepEqual(finished[0]?.parent, { type: 'remote', spanId: spanIdOf(context, 5) });
  });

  it('is not recorded when the flag is off or there is no context', () => {
    const { recorder } = setUp();
    const context = new Uint8Array(CONTEXT_BYTES).fill(1);
    context[FLAGS_AT] = 0;
    assert.equal(recorder.continued(SPANS.mqttPublish, context, 0, 1), 0);
    assert.equal(recorder.continued(SPANS.mqttPublish, new Uint8Array(CONTEXT_BYTES), 0, 1), 0);
  });

  it('counts as a trace where it serves a request, not where it goes on with one already counted', () => {
    const { recorder, metrics } = setUp();
    const context = new Uint8Array(CONTEXT_BYTES).fill(1);
    const request = recorder.continued(SPANS.mqttPublish, context, 0, 1);
    const push = recorder.continued(SPANS.clientPush, context, 0, 1);
    // A PUBREL is a request, but goes on with its PUBLISH.
    recorder.end(recorder.continued(SPANS.mqttPubrel, context, 0, 1), 2);
    assert.equal(metrics.value(traces), 1);
    recorder.fail(push, 'slow_client', 'too slow');
    recorder.end(push, 2);
    assert.equal(metrics.value(traceErrors), 0);
    recorder.fail(request, 'no_space', 'full');
    recorder.end(request, 2);
    assert.equal(metrics.value(traceErrors), 1);
  });
});

describe('a linked span', () => {
  it('begins a trace of its own with a link, where the trace of the context was recorded', () => {
    const { recorder, finished, metrics } = setUp({ rate: 0 });
    const context = new Uint8Array(CONTEXT_BYTES).fill(0xab);
    recorder.end(recorder.linked(SPANS.clientPush, context, 0, 1), 2);
    assert.notEqual(finished[0]?.traceId, 'ab'.repeat(16));
    assert.deepEqual(finished[0]?.parent, { type: 'none' });
    assert.deepEqual(finished[0]?.links, [{ traceId: 'ab'.repeat(16), spanId: 'ab'.repeat(8), sampled: true }]);
    assert.equal(metrics.value(traces), 1);
    context[FLAGS_AT] = 0;
    assert.equal(recorder.linked(SPANS.clientPush, context, 0, 1), 0);
  });
});

describe('a handle', () => {
  it('kept beyond the end of its span never touches the next span in the slot', () => {
    const { recorder, finished, contextOf } = setUp({ maxOpenSpans: 1 });
    const old = recorder.root(SPANS.mqttPublish, 1);
    recorder.end(old, 2);
    const next = recorder.root(SPANS.mqttConnect, 3);
    assert.notEqual(next, old);
    recorder.attribute(old, ATTRIBUTES.mqttTopic, 'a');
    recorder.fail(old, 'no_space', 'full');
    recorder.end(old, 4);
    assert.deepEqual(contextOf(old), new Uint8Array(CONTEXT_BYTES));
    recorder.end(next, 5);
    assert.deepEqual(
      finished.map((span) => [span.definition.name, span.attributes, span.failure]),
      [
        ['mqtt/publish', [], null],
        ['mqtt/connect', [], null],
      ],
    );
  });

  it('stays a positive small integer, and unlike those before it, for 32767 uses of a slot', () => {
    const { recorder } = setUp({ maxOpenSpans: 1 });
    const seen = new Set<SpanHandle>();
    for (let use = 0; use < 0x7fff; use += 1) {
      const span = recorder.root(SPANS.mqttPublish, 1);
      assert.ok(span > 0 && span <= 0x7fff_ffff);
      seen.add(span);
      recorder.end(span, 1);
    }
    assert.equal(seen.size, 0x7fff);
    assert.ok(recorder.root(SPANS.mqttPublish, 1) > 0);
  });
});

describe('bounds', () => {
  it('a full pool records no more spans, counts them, and goes on when one has ended', () => {
    const { recorder, metrics } = setUp({ maxOpenSpans: 2 });
    const first = recorder.root(SPANS.mqttPublish, 1);
    recorder.child(SPANS.storagePersist, first, 1);
    assert.equal(recorder.child(SPANS.storagePersist, first, 1), 0);
    assert.equal(recorder.root(SPANS.mqttPublish, 1), 0);
    assert.equal(metrics.value(poolFull), 2);
    assert.equal(metrics.readGauge(METRICS.openSpans), 2);
    recorder.end(first, 2);
    assert.notEqual(recorder.root(SPANS.mqttPublish, 3), 0);
  });

  it('a span holds so many attributes, links and characters, and says how many it lost', () => {
    const { recorder, finished } = setUp();
    const span = recorder.root(SPANS.journalCommit, 1);
    for (const attribute of Object.values(ATTRIBUTES)) recorder.attribute(span, attribute, 'x'.repeat(10_000));
    for (let count = 0; count < MAX_LINKS + 5; count += 1)
      recorder.link(span, new Uint8Array(CONTEXT_BYTES).fill(1), 0);
    recorder.end(span, 2);
    const [ended] = finished;
    assert.equal(ended?.attributes.length, MAX_ATTRIBUTES);
    assert.equal(ended?.droppedAttributes, Object.values(ATTRIBUTES).length - MAX_ATTRIBUTES);
    assert.equal(ended?.attributes[0]?.value.toString().length, MAX_STRING_LENGTH);
    assert.equal(ended?.links.length, MAX_LINKS);
    assert.equal(ended?.droppedLinks, 5);
  });
});

describe('attributes, links and failures', () => {
  it('keeps the last value of an attribute, and a list as it was when set', () => {
    const { recorder, finished } = setUp();
    const span = recorder.root(SPANS.mqttSubscribe, 1);
    const topics = ['a/#'];
    recorder.attribute(span, ATTRIBUTES.mqttTopics, topics);
    topics.push('b');
    recorder.attribute(span, ATTRIBUTES.mqttQos, 0);
    recorder.attribute(span, ATTRIBUTES.mqttQos, 2);
    recorder.end(span, 2);
    assert.deepEqual(finished[0]?.attributes, [
      { definition: ATTRIBUTES.mqttTopics, value: ['a/#'] },
      { definition: ATTRIBUTES.mqttQos, value: 2 },
    ]);
  });

  it('a failure gives error.type, error.message and what was thrown', () => {
    const { recorder, finished } = setUp();
    const span = recorder.root(SPANS.mqttPublish, 1);
    recorder.fail(span, 'no_space', 'The disk is full.', Object.assign(new Error('write'), { code: 'ENOSPC' }));
    recorder.end(span, 2);
    assert.deepEqual(finished[0]?.attributes, [
      { definition: ATTRIBUTES.errorType, value: 'no_space' },
      { definition: ATTRIBUTES.errorMessage, value: 'The disk is full.' },
    ]);
    assert.equal(finished[0]?.failure?.message, 'The disk is full.');
    assert.equal(finished[0]?.failure?.thrown?.type, 'Error.ENOSPC');
    assert.match(finished[0]?.failure?.thrown?.stacktrace ?? '', /pooled-recorder/);
  });

  it('links only to contexts that are one', () => {
    const { recorder, finished } = setUp();
    const span = recorder.root(SPANS.journalCommit, 1);
    const linked = new Uint8Array(CONTEXT_BYTES).fill(0xab);
    recorder.link(span, new Uint8Array(CONTEXT_BYTES), 0);
    recorder.link(span, linked, 0);
    recorder.end(span, 2);
    assert.deepEqual(finished[0]?.links, [{ traceId: 'ab'.repeat(16), spanId: 'ab'.repeat(8), sampled: true }]);
  });

  it('never ends before it began', () => {
    const { recorder, finished } = setUp();
    recorder.end(recorder.root(SPANS.mqttPublish, 5), 4);
    assert.equal(finished[0]?.endedAt, 5);
  });
});

it('any sequence of calls keeps every open span apart and finishes each once', () => {
  const step = fc.record({ action: fc.constantFrom('root', 'child', 'end'), pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { recorder, finished, contextOf } = setUp({ maxOpenSpans: 8 });
      const open = new Map<SpanHandle, string>();
      const everUsed: SpanHandle[] = [];
      for (const { action, pick } of steps) {
        const chosen = everUsed[pick % Math.max(everUsed.length, 1)] ?? 0;
        if (action === 'end') {
          const before = finished.length;
          recorder.end(chosen, 1);
          assert.equal(finished.length - before, open.has(chosen) ? 1 : 0);
          if (open.has(chosen)) assert.equal(finished.at(-1)?.spanId, open.get(chosen));
          open.delete(chosen);
          continue;
        }
        const handle =
          action === 'root' ? recorder.root(SPANS.mqttPublish, 1) : recorder.child(SPANS.storagePersist, chosen, 1);
        if (handle === 0) continue;
        assert.ok(!everUsed.includes(handle));
        everUsed.push(handle);
        open.set(handle, spanIdOf(contextOf(handle)));
      }
      assert.equal(recorder.openSpans, open.size);
      for (const [handle, spanId] of open) assert.equal(spanIdOf(contextOf(handle)), spanId);
    }),
  );
});
