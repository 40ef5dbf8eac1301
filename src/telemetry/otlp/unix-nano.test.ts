import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { time } from './testing/arbitrary-span.ts';
import { unixNano } from './testing/expected-fields.ts';
import { UnixNano } from './unix-nano.ts';

describe('UnixNano', () => {
  it('writes milliseconds as nanoseconds, in whatever order the times come', () => {
    const writer = new UnixNano();
    const view = new DataView(new ArrayBuffer(8));
    const edges = fc.constantFrom(0, 999.9999999, 1000, 4_294_967_295_999.75, 1_790_000_000_000 - 2 ** -12);
    fc.assert(
      fc.property(fc.array(fc.oneof(time, edges)), (times) => {
        for (const milliseconds of times) {
          writer.write(view, 0, milliseconds);
          assert.equal(String(view.getBigUint64(0, true)), unixNano(milliseconds));
        }
      }),
      { numRuns: 1000 },
    );
  });
});
