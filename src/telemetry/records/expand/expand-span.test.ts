import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTRIBUTES, SPANS, type SpanDefinition } from '../../catalogue.ts';
import { RingReader } from '../../ring/ring-reader.ts';
import { testTelemetry } from '../../testing/test-telemetry.ts';
import { CONTEXT_BYTES, FLAGS_AT, SAMPLED_FLAG } from '../../trace-context.ts';
import { Expander } from './expander.ts';
import { emptyFacts } from './expansion.ts';

/** What is known of a span below a message's, of which the head has chosen the trace or has not. */
function factsOf(definition: SpanDefinition, { topic = '', dropReason = '', isHead = true }) {
  const { spans, ring, seed } = testTelemetry().recording;
  const context = new Uint8Array(CONTEXT_BYTES).fill(7);
  context[FLAGS_AT] = isHead ? SAMPLED_FLAG : 0;
  const span = spans.continued(definition, context, 0, 10);
  if (topic !== '') spans.attribute(span, ATTRIBUTES.mqttTopic, topic);
  if (dropReason !== '') spans.attribute(span, ATTRIBUTES.dropReason, dropReason);
  spans.fail(span, 'failed', 'it failed');
  spans.end(span, 11);
  const reader = new RingReader(ring);
  const expander = new Expander(reader, seed, { cluster: 'test', brokerId: 'broker-1' });
  for (let at = reader.next(); at >= 0; at = reader.next()) {
    const expansion = expander.of(reader.block, at);
    const facts = emptyFacts();
    expansion?.facts(reader.block, at, 0, facts);
    if (expansion !== undefined) return facts;
    reader.advance(0);
  }
  return emptyFacts();
}

describe('a span of its own record', () => {
  it('tells that a message was dropped by the reason for it, and otherwise only that something failed', () => {
    const dropped = factsOf(SPANS.clientPush, { dropReason: 'expired' });
    assert.deepEqual([dropped.failed, dropped.dropped], [true, true]);
    const failed = factsOf(SPANS.mqttPubrel, {});
    assert.deepEqual([failed.failed, failed.dropped], [true, false]);
  });

  it('lets the record of its message decide where that is still to come', () => {
    for (const [definition, options, awaitsEntry] of [
      [SPANS.clientPush, {}, true],
      [SPANS.messageRetain, {}, true],
      [SPANS.clientPush, { isHead: false }, false],
      [SPANS.clientPush, { topic: 'a' }, false],
      [SPANS.mqttPubrel, {}, false],
    ] as const)
      assert.equal(factsOf(definition, options).awaitsEntry, awaitsEntry, JSON.stringify([definition.name, options]));
  });
});
