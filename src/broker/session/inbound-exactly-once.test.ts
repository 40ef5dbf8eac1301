import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InboundExactlyOnce } from './inbound-exactly-once.ts';

describe('inbound exactly once', () => {
  it('knows a repeat while the first is being stored, and until it is released [MQTT-4.3.3-10]', () => {
    const inbound = new InboundExactlyOnce();
    assert.equal(inbound.state(5), 'unknown');
    inbound.add(5);
    assert.equal(inbound.state(5), 'storing');
    inbound.markStored(5, 2, 40);
    assert.equal(inbound.state(5), 'stored');
    assert.equal(inbound.release(5), 'stored');
    assert.deepEqual([inbound.shard, inbound.offset], [2, 40]);
    assert.equal(inbound.state(5), 'unknown');
    assert.equal(inbound.release(5), 'unknown');
  });

  it('gives the trace of the message that is released, and of no other', () => {
    const inbound = new InboundExactlyOnce();
    const context = new Uint8Array(25).fill(1);
    for (const packetId of [5, 6]) inbound.add(packetId);
    inbound.markStored(5, 2, 40, context);
    inbound.markStored(6, 2, 41);
    inbound.release(5);
    assert.equal(inbound.context, context);
    inbound.release(6);
    assert.equal(inbound.context, undefined);
    // Identifier and place are used again; the trace is not.
    inbound.add(5);
    inbound.markStored(5, 2, 42);
    inbound.release(5);
    assert.equal(inbound.context, undefined);
  });

  it('takes the message as new after its append failed', () => {
    const inbound = new InboundExactlyOnce();
    inbound.add(5);
    inbound.forget(5);
    assert.equal(inbound.state(5), 'unknown');
    inbound.add(5);
  });

  it('does not release what is not yet stored', () => {
    const inbound = new InboundExactlyOnce();
    inbound.add(5);
    assert.equal(inbound.release(5), 'storing');
    assert.equal(inbound.state(5), 'storing');
  });

  it('keeps in a checkpoint what is stored, and takes it back', () => {
    const inbound = new InboundExactlyOnce();
    for (const packetId of [1, 2, 3]) inbound.add(packetId);
    inbound.markStored(1, 0, 10);
    inbound.markStored(3, 1, 20);
    const heir = new InboundExactlyOnce();
    for (const entry of inbound.entries()) heir.restore(entry);
    assert.deepEqual(
      [1, 2, 3].map((packetId) => heir.state(packetId)),
      ['stored', 'unknown', 'stored'],
    );
    assert.equal(heir.release(3), 'stored');
    assert.deepEqual([heir.shard, heir.offset], [1, 20]);
  });

  it('ignores the end of an append that it was cleared under', () => {
    const inbound = new InboundExactlyOnce();
    inbound.add(1);
    inbound.clear();
    inbound.markStored(1, 0, 0);
    assert.deepEqual([inbound.count, inbound.state(1)], [0, 'unknown']);
  });
});
