import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InboundBytes } from './inbound-bytes.ts';

const held = (bytes: InboundBytes) => bytes.buffer.subarray(0, bytes.length);

describe('inbound bytes', () => {
  it('hold what was appended and not consumed, whatever the steps', () => {
    const step = fc.oneof(fc.record({ append: fc.uint8Array({ maxLength: 3000 }) }), fc.record({ consume: fc.nat() }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const bytes = new InboundBytes();
        let expected = Buffer.alloc(0);
        for (const current of steps) {
          if ('append' in current) {
            const source = Buffer.concat([Buffer.from('<'), current.append, Buffer.from('>')]);
            bytes.append(source, 1, source.length - 1);
            expected = Buffer.concat([expected, current.append]);
          } else {
            const count = current.consume % (expected.length + 1);
            bytes.consume(count);
            expected = expected.subarray(count);
          }
          assert.ok(held(bytes).equals(expected));
        }
      }),
    );
  });

  it('hold no memory between packets', () => {
    const bytes = new InboundBytes();
    bytes.append(Buffer.alloc(100_000), 0, 100_000);
    bytes.consume(100_000);
    assert.equal(bytes.buffer.length, 0);
  });

  it('grow by what has come, not by what may come', () => {
    const bytes = new InboundBytes();
    bytes.append(Buffer.alloc(10), 0, 10);
    assert.ok(bytes.buffer.length <= 1024);
    for (let count = 0; count < 100; count += 1) bytes.append(Buffer.alloc(60_000), 0, 60_000);
    assert.ok(bytes.buffer.length <= bytes.length + 1024 * 1024);
  });
});
