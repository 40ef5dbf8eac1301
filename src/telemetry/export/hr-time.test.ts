import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toHrTime } from './hr-time.ts';

describe('times as OpenTelemetry has them', () => {
  it('are whole seconds and nanoseconds below a second', () => {
    assert.deepEqual(toHrTime(1_700_000_000_000), [1_700_000_000, 0]);
    assert.deepEqual(toHrTime(1500.25), [1, 500_250_000]);
  });

  it('never round up to a second of nanoseconds, and stay within a microsecond', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 4e12, noNaN: true }), (milliseconds) => {
        const [seconds, nanoseconds] = toHrTime(milliseconds);
        assert.ok(Number.isInteger(seconds) && Number.isInteger(nanoseconds));
        assert.ok(nanoseconds >= 0 && nanoseconds < 1e9);
        assert.ok(Math.abs(seconds * 1000 + nanoseconds / 1e6 - milliseconds) < 0.001);
      }),
    );
  });
});
