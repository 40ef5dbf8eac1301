import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { numberOfOwn } from '../router/subscription-number.ts';
import { InboundExactlyOnce } from './inbound-exactly-once.ts';
import { AckOutcome, InflightState, InflightWindow } from './inflight-window.ts';
import { SessionRecovery } from './recover.ts';
import { readSessionEvents, SessionEventWriter } from './session-event.ts';
import type { SessionRecord } from './session-record.ts';

const base: SessionRecord = {
  version: 1,
  clientId: 'c',
  number: 1,
  protocolVersion: 5,
  expirySeconds: 60,
  state: { type: 'connected' },
  subscriptions: [],
  positions: [],
  inflight: [],
  inbound: [],
  nextPacketId: 1,
};

/** A moment in the logs: how many bytes of events, and how many records of each shard. */
interface Moment {
  readonly events: number;
  readonly messages: readonly number[];
}

/** A live session made of the real parts, which writes its log as it goes and can be checkpointed at any moment. */
class LiveSession {
  readonly window = new InflightWindow(5);
  readonly inbound = new InboundExactlyOnce();
  readonly positions = new Map<number, number>();
  readonly log = new SessionEventWriter();
  readonly shards: { packetId: number }[][] = [[], []];
  readonly number: number;

  constructor(number: number) {
    this.number = number;
    // So that identifiers begin again at 1 within a history, and are used more than once.
    this.window.nextPacketId = 65_533;
  }

  send(qos: number, shard: number, offset: number, group: number): void {
    const packetId = this.window.reserve(qos, shard, offset, 0, group);
    if (packetId === 0) return;
    if (group === 0) this.positions.set(shard, offset + 1);
    this.log.sent(this.number, packetId, qos, shard, offset, group);
  }

  /** The client's next packet for one of the messages in flight: PUBREC, or PUBACK or PUBCOMP. */
  answer(pick: number): void {
    const { window, log, number } = this;
    const packetId = this.#inFlight(pick);
    if (window.received(packetId) === AckOutcome.done) log.received(number, packetId);
    else if (window.acknowledge(packetId) === AckOutcome.done) log.acknowledged(number, packetId);
    else if (window.completed(packetId) === AckOutcome.done) log.acknowledged(number, packetId);
  }

  refuse(pick: number): void {
    const packetId = this.#inFlight(pick);
    if (this.window.refused(packetId) === AckOutcome.done) this.log.acknowledged(this.number, packetId);
  }

  receive(packetId: number, shard: number): void {
    if (this.inbound.state(packetId) !== 'unknown') return;
    this.inbound.add(packetId);
    this.inbound.markStored(packetId, shard, this.shards[shard]!.length);
    this.shards[shard]!.push({ packetId });
  }

  release(packetId: number): void {
    if (this.inbound.release(packetId) !== 'stored') return;
    this.log.released(this.number, packetId, this.inbound.shard, this.inbound.offset);
  }

  #inFlight(pick: number): number {
    const ids: number[] = [];
    this.window.inOrder(({ packetId }) => ids.push(packetId));
    return ids[pick % ids.length] ?? 0;
  }

  moment(): Moment {
    return { events: this.log.length, messages: this.shards.map((shard) => shard.length) };
  }

  checkpoint(): SessionRecord {
    const inflight: SessionRecord['inflight'][number][] = [];
    this.window.inOrder(({ packetId, qos, state, shard, offset, group }) =>
      inflight.push({
        packetId,
        qos: qos === 2 ? 2 : 1,
        state: state === InflightState.sent ? 'sent' : 'received',
        shard,
        offset,
        group,
      }),
    );
    return {
      ...base,
      number: this.number,
      positions: [...this.positions].sort(([left], [right]) => left - right),
      inflight,
      inbound: this.inbound.entries().sort((left, right) => left.packetId - right.packetId),
      nextPacketId: this.window.nextPacketId,
    };
  }

  /** Replays what was logged since the moment, the given shards before the events and the others behind. */
  replay(checkpoint: SessionRecord, from: Moment, shardsFirst: readonly number[]): SessionRecord[] {
    const recovery = new SessionRecovery([checkpoint]);
    const replayShard = (shard: number) => {
      const records = this.shards[shard]!;
      for (let offset = from.messages[shard]!; offset < records.length; offset += 1)
        recovery.message(this.number, records[offset]!.packetId, shard, offset);
    };
    for (const shard of shardsFirst) replayShard(shard);
    if (this.log.length > from.events) {
      const events = Buffer.concat([
        this.log.bytes.subarray(0, 1),
        this.log.bytes.subarray(Math.max(1, from.events), this.log.length),
      ]);
      readSessionEvents(events, 0, events.length, recovery);
    }
    for (const shard of [1, 0]) if (!shardsFirst.includes(shard)) replayShard(shard);
    return [...recovery.records()];
  }
}

const small = fc.integer({ min: 1, max: 8 });
const step: fc.Arbitrary<(session: LiveSession, index: number) => void> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 2 }), fc.nat(1), fc.nat(2)).map(
    ([qos, shard, group]) =>
      (session: LiveSession, index: number) =>
        session.send(qos, shard, index, group),
  ),
  small.map((pick) => (session: LiveSession) => session.answer(pick)),
  small.map((pick) => (session: LiveSession) => session.refuse(pick)),
  fc.tuple(small, fc.nat(1)).map(
    ([id, shard]) =>
      (session: LiveSession) =>
        session.receive(id, shard),
  ),
  small.map((id) => (session: LiveSession) => session.release(id)),
);

describe('recovery of sessions', () => {
  it('makes of any checkpoint and the rest of the logs the session as it was, and does so again', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.nat(),
        fc.nat(),
        fc.subarray([0, 1]),
        (steps, checkpointSeed, startSeed, shardsFirst) => {
          const session = new LiveSession(1);
          const checkpointAt = checkpointSeed % (steps.length + 1);
          const startAt = startSeed % (checkpointAt + 1);
          let [start, checkpoint] = [session.moment(), session.checkpoint()];
          for (const [index, act] of steps.entries()) {
            if (index === startAt) start = session.moment();
            if (index === checkpointAt) checkpoint = session.checkpoint();
            act(session, index);
          }
          if (startAt === steps.length) start = session.moment();
          if (checkpointAt === steps.length) checkpoint = session.checkpoint();

          const recovered = session.replay(checkpoint, start, shardsFirst);
          assert.deepEqual(recovered, [session.checkpoint()]);
          assert.deepEqual(session.replay(recovered[0]!, start, shardsFirst), recovered, 'a second replay');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps the order of sending though the checkpoint knows more than the log', () => {
    const sent = (packetId: number) =>
      ({ packetId, qos: 1, state: 'sent', shard: 1, offset: packetId * 10, group: 0 }) as const;
    const recovery = new SessionRecovery([{ ...base, inflight: [sent(1), sent(2), sent(3)] }]);
    recovery.sent(1, 1, 1, 1, 10, 0);
    recovery.sent(1, 2, 1, 1, 20, 0);
    const [record] = [...recovery.records()];
    assert.deepEqual(
      record!.inflight.map(({ packetId }) => packetId),
      [1, 2, 3],
    );
  });

  it('takes a message for released when a later one bears its identifier, though the log does not say so', () => {
    const recovery = new SessionRecovery([{ ...base, inbound: [{ packetId: 5, shard: 1, offset: 3 }] }]);
    recovery.message(1, 5, 1, 8);
    const [record] = [...recovery.records()];
    assert.deepEqual(record!.inbound, [{ packetId: 5, shard: 1, offset: 8 }]);
  });

  it('finds all packet identifiers in use without a search through the others for each', () => {
    const recovery = new SessionRecovery([base]);
    // Four times over: a search through 65535 others for each of these would take minutes.
    for (let offset = 0; offset < 4 * 65_535; offset += 1) recovery.message(1, (offset % 65_535) + 1, 1, offset);
    const { inbound } = [...recovery.records()][0]!;
    assert.deepEqual([inbound.length, inbound[0]], [65_535, { packetId: 1, shard: 1, offset: 3 * 65_535 }]);
  });

  it('takes a record that bears a released identifier for a new message', () => {
    const recovery = new SessionRecovery([{ ...base, inbound: [{ packetId: 5, shard: 0, offset: 10 }] }]);
    recovery.message(1, 5, 0, 11);
    recovery.released(1, 5, 0, 10);
    assert.deepEqual([...recovery.records()][0]?.inbound, [{ packetId: 5, shard: 0, offset: 11 }]);
  });

  it('leaves the session at a message of which each subscription gets a copy, and knows which have had theirs', () => {
    const [first, second] = ['a', '#'].map(numberOfOwn) as [number, number];
    const checkpoint: SessionRecord = {
      ...base,
      positions: [[1, 20]],
      copies: [{ shard: 1, offset: 20, numbers: [first] }],
    };
    const after = (...events: readonly (readonly [offset: number, number: number])[]) => {
      const recovery = new SessionRecovery([checkpoint]);
      for (const [index, [offset, number]] of events.entries()) recovery.sent(1, index + 1, 1, 1, offset, number);
      const { positions, copies } = [...recovery.records()][0]!;
      return { positions, copies };
    };
    const at = (offset: number, ...numbers: number[]) => ({
      positions: [[1, offset]],
      copies: [{ shard: 1, offset, numbers }],
    });
    assert.deepEqual(after(), at(20, first));
    // Events that the checkpoint contains come again.
    assert.deepEqual(after([10, first], [10, second], [20, first]), at(20, first));
    assert.deepEqual(after([20, second]), at(20, first, second));
    assert.deepEqual(after([20, second], [30, second]), at(30, second));
    // One copy for all of them, since the configuration says so now.
    assert.deepEqual(after([20, 0]), { positions: [[1, 21]], copies: undefined });
  });

  it('drops a session that ended, and skips what concerns none', () => {
    const recovery = new SessionRecovery([base, { ...base, number: 2 }]);
    recovery.ended(1);
    recovery.sent(1, 1, 1, 0, 0, 0);
    recovery.message(3, 1, 0, 0);
    assert.deepEqual(
      [...recovery.records()].map((record) => record.number),
      [2],
    );
  });
});
