import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeMessageExpiry, writeUserProperty } from '../../mqtt/forwarded-properties.ts';
import { CONTEXT_BYTES, parseTraceparent } from '../../telemetry/trace-context.ts';
import { hasTraceparent, withoutReplaced, withoutTraceparent } from './traceparent-property.ts';

type UserProperty = readonly [name: string, value: string];

function block(...properties: readonly UserProperty[]): Buffer {
  const out = Buffer.alloc(70_000);
  let at = writeMessageExpiry(out, 0, 60);
  for (const [name, value] of properties) at = writeUserProperty(out, at, Buffer.from(name), Buffer.from(value));
  return out.subarray(0, at);
}

describe('the user property traceparent', () => {
  it('is known by its name alone, exactly', () => {
    for (const properties of [
      block(),
      block(['tracestate', 'a=1']),
      block(['note', 'traceparent']),
      block(['Traceparent', '00']),
      block(['traceparent2', '00']),
    ])
      assert.equal(hasTraceparent(properties, 0, properties.length), false);
    const with_ = block(['a', 'b'], ['traceparent', '']);
    assert.equal(hasTraceparent(with_, 0, with_.length), true);
    assert.equal(hasTraceparent(with_, 0, 0), false);
  });

  it('is taken out wherever and however often it stands; all else stays as it was and in order [MQTT-3.3.2-17]', () => {
    const properties = block(['traceparent', '1'], ['a', 'b'], ['traceparent', '2'], ['c', 'd'.repeat(3000)]);
    const kept = withoutTraceparent(properties, 0, properties.length);
    assert.deepEqual(Buffer.from(kept), block(['a', 'b'], ['c', 'd'.repeat(3000)]));
  });

  it('takes `tracestate` with it where it is replaced by one of another trace (W3C Trace Context 2, section 4.3)', () => {
    const headerOf = (trace: string) => `00-${trace.repeat(16)}-${'cd'.repeat(8)}-01`;
    const context = new Uint8Array(CONTEXT_BYTES);
    const header = Buffer.from(headerOf('ab'));
    assert.ok(parseTraceparent(header, 0, header.length, context, 0));
    const state = [
      ['tracestate', 'x=1'],
      ['a', 'b'],
      ['tracestate', 'y=2'],
    ] as const;
    const replaced = (...headers: string[]) => {
      const properties = block(...headers.map((value) => ['traceparent', value] as const), ...state);
      return Buffer.from(withoutReplaced(properties, 0, properties.length, context));
    };
    assert.deepEqual(replaced(headerOf('ab')), block(...state));
    for (const others of [[headerOf('ee')], [headerOf('ab'), headerOf('ab')], ['nonsense'], ['x'.repeat(60_000)]])
      assert.deepEqual(replaced(...others), block(['a', 'b']));
  });
});
