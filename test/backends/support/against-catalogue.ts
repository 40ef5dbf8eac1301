import assert from 'node:assert/strict';
import { ATTRIBUTES, SPANS } from '../../../src/telemetry/catalogue.ts';
import type { StoredSpan } from './otlp-json.ts';

const DEFINITIONS = new Map(Object.values(SPANS).map((definition) => [definition.name, definition]));
const ATTRIBUTE_TYPES = new Map(Object.values(ATTRIBUTES).map(({ key, type }) => [key, type]));
const PREFIX = 'robustmq-';
/** What Jaeger writes to a span that it had to mend. */
const WARNINGS = '@jaeger@warnings';

/** Whole traces, each of whose spans must be what the catalogue says of it, below its parent. */
export function assertFromCatalogue(spans: readonly StoredSpan[]): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  assert.equal(byId.size, spans.length, 'every span is there once');
  for (const span of spans) {
    const title = `${span.name} of trace ${span.traceId}`;
    assert.deepEqual(span.attributes[WARNINGS] ?? [], [], `Jaeger’s warnings of ${title}`);
    assertDefined(span, title);
    assertTyped(span, title);
    assertStatus(span, title);
    assert.ok(span.endedAt >= span.startedAt, `${title} ends after its start`);
    if (span.parentSpanId === '') continue;
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) assert.ok(span.isParentRemote, `the parent of ${title} is there, or was never ours`);
    else assert.equal(parent.traceId, span.traceId, `${title} is of the same trace as its parent`);
  }
}

function assertDefined(span: StoredSpan, title: string): void {
  const definition = DEFINITIONS.get(span.name);
  assert.ok(definition, `${title} is in the catalogue`);
  assert.equal(span.kind, definition.kind, `kind of ${title}`);
  assert.equal(span.resource['service.name'], PREFIX + definition.role, `service of ${title}`);
}

function assertTyped(span: StoredSpan, title: string): void {
  for (const [key, type] of Object.entries(span.types)) {
    assert.ok(ATTRIBUTE_TYPES.has(key), `${key} of ${title} is in the catalogue`);
    assert.equal(type, ATTRIBUTE_TYPES.get(key), `type of ${key} of ${title}`);
  }
}

/** A failure has a code and a sentence, and its status says the same; what did not fail has none of it. */
function assertStatus({ status, attributes }: StoredSpan, title: string): void {
  const failed = 'error.type' in attributes;
  assert.equal(status.code, failed ? 'error' : 'unset', `status of ${title}`);
  assert.equal(status.message, failed ? attributes['error.message'] : '', `message of ${title}`);
}
