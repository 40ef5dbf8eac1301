import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  CONTEXT_BYTES,
  FLAGS_AT,
  formatTraceparent,
  hasTrace,
  isSampled,
  parseTraceparent,
  spanIdOf,
  TRACEPARENT_BYTES,
  traceIdOf,
} from './trace-context.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const VALID = `00-${TRACE_ID}-${SPAN_ID}-01`;

function parse(text: string): Uint8Array | undefined {
  const bytes = new TextEncoder().encode(`..${text}..`);
  const context = new Uint8Array(CONTEXT_BYTES + 3);
  return parseTraceparent(bytes, 2, bytes.length - 2, context, 3) ? context.subarray(3) : undefined;
}

function format(context: Uint8Array): string {
  const out = new Uint8Array(TRACEPARENT_BYTES + 1);
  formatTraceparent(context, 0, out, 1);
  return new TextDecoder().decode(out.subarray(1));
}

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .filter((bytes) => bytes.some((byte) => byte !== 0))
    .map((bytes) => Buffer.from(bytes).toString('hex'));

describe('traceparent (W3C Trace Context, section 3.2)', () => {
  it('is read where it lies', () => {
    const context = parse(VALID);
    assert.ok(context);
    assert.equal(traceIdOf(context), TRACE_ID);
    assert.equal(spanIdOf(context), SPAN_ID);
    assert.ok(isSampled(context));
    assert.equal(isSampled(parse(`00-${TRACE_ID}-${SPAN_ID}-00`)!), false);
  });

  it('is written as it was read, of the flags the sampled one', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, spanId, flags) => {
        const context = parse(`00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`);
        assert.ok(context && hasTrace(context));
        assert.equal(context[FLAGS_AT], flags);
        assert.equal(format(context), `00-${traceId}-${spanId}-0${flags & 1}`);
      }),
    );
  });

  const invalid: Record<string, string> = {
    nothing: '',
    'too short': VALID.slice(0, -1),
    'version 00 with more behind it': `${VALID}-00`,
    'version ff': `ff${VALID.slice(2)}`,
    'a version that is no hex': `0g${VALID.slice(2)}`,
    'upper-case hex': VALID.toUpperCase(),
    'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    'a span id of zeros': `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    'flags that are no hex': `00-${TRACE_ID}-${SPAN_ID}-0x`,
    'another separator': VALID.replaceAll('-', '_'),
    'a higher version that goes on without a dash': `01${VALID.slice(2)}.what`,
  };
  for (const [name, text] of Object.entries(invalid)) {
    it(`is ignored with ${name}`, () => assert.equal(parse(text), undefined));
  }

  it('of a higher version may go on behind a dash, and only its sampled flag is taken (section 4.3)', () => {
    const context = parse(`cc-${TRACE_ID}-${SPAN_ID}-ff-what-the-future-brings`);
    assert.ok(context);
    assert.equal(traceIdOf(context), TRACE_ID);
    assert.equal(context[FLAGS_AT], 1);
    assert.ok(parse(`01${VALID.slice(2)}`));
  });

  it('accepts exactly what the grammar says, whatever the bytes', () => {
    const grammar = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/s;
    const isValid = (text: string) =>
      grammar.test(text) && (!text.startsWith('00') || text.length === TRACEPARENT_BYTES);
    const damaged = fc
      .tuple(
        fc.nat({ max: TRACEPARENT_BYTES - 1 }),
        fc.constantFrom(...'0f-gFA \u007f'),
        fc.constantFrom('', '-', 'x', '-x'),
      )
      .map(([at, character, tail]) => `${VALID.slice(0, at)}${character}${VALID.slice(at + 1)}${tail}`);
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string({ maxLength: 80, unit: 'binary-ascii' })), (text) => {
        assert.equal(parse(text) !== undefined, isValid(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads nothing beyond the buffer it lies in', () => {
    const bytes = new TextEncoder().encode(VALID);
    assert.equal(parseTraceparent(bytes, 1, bytes.length + 1, new Uint8Array(CONTEXT_BYTES), 0), false);
  });
});
