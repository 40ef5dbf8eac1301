import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AckOutcome, InflightState, InflightWindow } from './inflight-window.ts';

const idsInOrder = (window: InflightWindow) => {
  const ids: number[] = [];
  window.inOrder(({ packetId }) => ids.push(packetId));
  return ids;
};

describe('inflight window', () => {
  it('gives packet identifiers from 1 and remembers what they stand for', () => {
    const window = new InflightWindow(10);
    assert.equal(window.reserve(1, 3, 2 ** 47, 1.5, 4_000_000_000, 77), 1);
    assert.equal(window.reserve(2, 4, 5, 2.5), 2);
    assert.equal(window.acknowledge(1), AckOutcome.done);
    const { packetId, qos, shard, offset, sentAt, group, span } = window;
    assert.deepEqual(
      { packetId, qos, shard, offset, sentAt, group, span },
      { packetId: 1, qos: 1, shard: 3, offset: 2 ** 47, sentAt: 1.5, group: 4_000_000_000, span: 77 },
    );
    assert.equal(window.count, 1);
  });

  it('gives nothing beyond its limit [MQTT-3.3.4-9]', () => {
    const window = new InflightWindow(2);
    window.reserve(1, 0, 0, 0);
    window.reserve(1, 0, 1, 0);
    assert.equal(window.hasRoom, false);
    assert.equal(window.reserve(1, 0, 2, 0), 0);
    window.limit = 3;
    assert.equal(window.reserve(1, 0, 2, 0), 3);
  });

  it('goes from 65535 to 1 and passes over identifiers in use [MQTT-2.2.1-4]', () => {
    const window = new InflightWindow(10);
    assert.equal(window.reserve(1, 0, 0, 0), 1);
    window.nextPacketId = 65_535;
    assert.equal(window.reserve(1, 0, 1, 0), 65_535);
    assert.equal(window.reserve(1, 0, 2, 0), 2);
  });

  it('can have every identifier in flight at once', () => {
    const window = new InflightWindow(100_000);
    const ids = new Set<number>();
    for (let offset = 0; offset < 65_535; offset += 1) ids.add(window.reserve(1, 0, offset, 0));
    assert.equal(ids.size, 65_535);
    assert.equal(ids.has(0), false);
    assert.equal(window.reserve(1, 0, 0, 0), 0);
    assert.equal(window.acknowledge(40_000), AckOutcome.done);
    assert.equal(window.reserve(1, 0, 0, 0), 40_000);
  });

  it('leads a QoS 2 message through PUBREC and PUBCOMP', () => {
    const window = new InflightWindow(10);
    const id = window.reserve(2, 0, 0, 0);
    assert.equal(window.acknowledge(id), AckOutcome.wrongState);
    assert.equal(window.completed(id), AckOutcome.wrongState);
    assert.equal(window.received(id), AckOutcome.done);
    assert.equal(window.received(id), AckOutcome.repeated);
    assert.equal(window.refused(id), AckOutcome.wrongState);
    assert.equal(window.completed(id), AckOutcome.done);
    assert.equal(window.completed(id), AckOutcome.unknown);
  });

  it('ends a QoS 2 message that the client refuses', () => {
    const window = new InflightWindow(10);
    assert.equal(window.refused(window.reserve(2, 0, 0, 0)), AckOutcome.done);
    assert.equal(window.count, 0);
  });

  it('does not know identifiers that it did not give', () => {
    const window = new InflightWindow(10);
    assert.equal(window.acknowledge(1), AckOutcome.unknown);
    window.reserve(1, 0, 0, 0);
    for (const id of [0, 9, 65_535]) assert.equal(window.acknowledge(id), AckOutcome.unknown);
  });

  it('sends PUBREL in the order of PUBREC [MQTT-4.6.0-4], and messages in that of their sending [MQTT-4.6.0-1]', () => {
    const window = new InflightWindow(10);
    for (let offset = 0; offset < 4; offset += 1) window.reserve(2, 0, offset, 0);
    window.received(3);
    window.received(1);
    assert.deepEqual(idsInOrder(window), [2, 4, 3, 1]);
  });

  it('gives a message sent again its new time and span under the same identifier [MQTT-4.4.0-1]', () => {
    const window = new InflightWindow(10);
    window.restore(7, 1, InflightState.sent, 2, 30, 5);
    assert.equal(window.resent(7, 99, 4), true);
    assert.equal(window.resent(8, 99, 4), false);
    window.acknowledge(7);
    assert.deepEqual([window.sentAt, window.span, window.offset, window.group], [99, 4, 30, 5]);
  });

  it('forgets what is in flight when cleared, but goes on with the identifiers', () => {
    const window = new InflightWindow(10);
    for (let offset = 0; offset < 9; offset += 1) window.reserve(1, 0, offset, 0);
    window.clear();
    assert.deepEqual([window.count, idsInOrder(window), window.acknowledge(1)], [0, [], AckOutcome.unknown]);
    assert.equal(window.reserve(1, 0, 0, 0), 10);
  });

  it('behaves after any history, and after a restart, as an ordered map would', () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ type: fc.constant('reserve'), qos: fc.integer({ min: 1, max: 2 }), shard: fc.nat(2) }),
      },
      fc.record({ type: fc.constantFrom('acknowledge', 'received', 'refused', 'completed'), pick: fc.nat() }),
      fc.record({ type: fc.constant('restart') }),
      fc.record({ type: fc.constant('jump'), to: fc.integer({ min: 1, max: 65_535 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 40 }), (steps, limit) => {
        let window = new InflightWindow(limit);
        const model = new Map<number, { qos: number; shard: number; offset: number; state: number }>();
        let offset = 0;
        for (const action of steps) {
          if ('qos' in action) {
            const id = window.reserve(action.qos, action.shard, offset, 0);
            assert.equal(id === 0, model.size >= limit);
            assert.equal(model.has(id), false);
            if (id !== 0) model.set(id, { qos: action.qos, shard: action.shard, offset, state: InflightState.sent });
            offset += 1;
          } else if ('pick' in action) {
            const id = [...model.keys()][action.pick % (model.size + 1)] ?? 4711;
            const entry = model.get(id);
            const type = action.type as 'acknowledge' | 'received' | 'refused' | 'completed';
            assert.equal(window[type](id), expectedOutcome(entry, type));
            if (entry !== undefined && expectedOutcome(entry, type) === AckOutcome.done) {
              model.delete(id);
              if (type === 'received') model.set(id, { ...entry, state: InflightState.received });
            }
          } else if ('to' in action) window.nextPacketId = action.to;
          else {
            const heir = new InflightWindow(limit);
            heir.nextPacketId = window.nextPacketId;
            window.inOrder(({ packetId, qos, state, shard, offset }) =>
              heir.restore(packetId, qos, state, shard, offset),
            );
            window = heir;
          }
          assert.equal(window.count, model.size);
          assert.deepEqual(idsInOrder(window), [...model.keys()]);
          const offsets = [...model.values()].filter(({ shard }) => shard === 1).map((entry) => entry.offset);
          assert.equal(window.lowestOffset(1), offsets.length === 0 ? -1 : Math.min(...offsets));
        }
      }),
      { numRuns: 200 },
    );
  });
});

function expectedOutcome(entry: { qos: number; state: number } | undefined, type: string): number {
  if (entry === undefined) return AckOutcome.unknown;
  if ((type === 'acknowledge') !== (entry.qos === 1)) return AckOutcome.wrongState;
  if (type === 'acknowledge') return AckOutcome.done;
  if (type === 'received') return entry.state === InflightState.sent ? AckOutcome.done : AckOutcome.repeated;
  return (type === 'completed') === (entry.state === InflightState.received) ? AckOutcome.done : AckOutcome.wrongState;
}
