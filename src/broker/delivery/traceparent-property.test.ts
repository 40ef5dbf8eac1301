import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeMessageExpiry, writeUserProperty } from '../../mqtt/forwarded-properties.ts';
import { hasTraceparent, withoutTraceparent } from './traceparent-property.ts';

type UserProperty = readonly [name: string, value: string];

function block(...properties: readonly UserProperty[]): Buffer {
  const out = Buffer.alloc(8192);
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
});
