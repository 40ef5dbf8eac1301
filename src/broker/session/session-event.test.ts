import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readSessionEvents, SessionEventError, type SessionEventVisitor, SessionEventWriter } from './session-event.ts';
import { anyEvent, play, type TestEvent } from './testing/session-events.ts';

function read(bytes: Uint8Array, start = 0, end = bytes.length): TestEvent[] {
  const events: TestEvent[] = [];
  const note =
    (kind: keyof SessionEventVisitor) =>
    (...values: number[]) =>
      events.push([kind, ...values] as TestEvent);
  readSessionEvents(bytes, start, end, {
    sent: note('sent'),
    acknowledged: note('acknowledged'),
    received: note('received'),
    released: note('released'),
    ended: note('ended'),
  });
  return events;
}

const refusal = (code: string) => (error: unknown) => error instanceof SessionEventError && error.code === code;

describe('session events', () => {
  it('are read as they were written, wherever they lie', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 50 }), fc.nat(9), (events, before) => {
        const writer = new SessionEventWriter(32);
        for (const event of events) play(event, writer);
        const bytes = Buffer.concat([
          Buffer.alloc(before, 0xff),
          writer.bytes.subarray(0, writer.length),
          Buffer.alloc(3),
        ]);
        assert.deepEqual(read(bytes, before, before + writer.length), events);
      }),
    );
  });

  it('hold numbers up to 2^48', () => {
    const writer = new SessionEventWriter();
    const largest = 2 ** 48 - 1;
    writer.sent(largest, 65_535, 2, 65_535, largest, 0xffff_ffff);
    assert.deepEqual(read(writer.bytes, 0, writer.length), [
      ['sent', largest, 65_535, 2, 65_535, largest, 0xffff_ffff],
    ]);
  });

  it('start anew after a reset, in the same buffer', () => {
    const writer = new SessionEventWriter();
    writer.ended(1);
    const { bytes } = writer;
    writer.reset();
    assert.equal(writer.length, 0);
    writer.ended(2);
    assert.equal(writer.bytes, bytes);
    assert.deepEqual(read(writer.bytes, 0, writer.length), [['ended', 2]]);
  });

  it('are refused when malformed, with what is wrong', () => {
    const writer = new SessionEventWriter();
    writer.sent(1, 2, 1, 3, 4, 0);
    const bytes = writer.bytes.subarray(0, writer.length);
    const withByte = (at: number, value: number) => Buffer.from(bytes).fill(value, at, at + 1);
    assert.throws(() => read(Buffer.alloc(0)), refusal('truncated'));
    assert.throws(() => read(withByte(0, 9)), refusal('unknown_version'));
    assert.throws(() => read(withByte(1, 0)), refusal('unknown_kind'));
    assert.throws(() => read(withByte(1, 200)), refusal('unknown_kind'));
    assert.throws(() => read(withByte(8, 0)), refusal('invalid_value'), 'packet identifier 0');
    assert.throws(() => read(withByte(10, 3)), refusal('invalid_value'), 'QoS 3');
    for (let end = 2; end < bytes.length; end += 1) assert.throws(() => read(bytes, 0, end), refusal('truncated'));
  });

  it('never crash the reader with random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          read(Uint8Array.of(1, ...bytes));
        } catch (error) {
          assert.ok(error instanceof SessionEventError);
        }
      }),
    );
  });
});
