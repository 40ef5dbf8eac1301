import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { RecordKind, RecordView } from '../../journal/record-batch.ts';
import { everythingFrom } from '../../journal/testing/records.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { Turn } from '../connection/turn.ts';
import { InboundExactlyOnce } from '../session/inbound-exactly-once.ts';
import { InflightWindow } from '../session/inflight-window.ts';
import { Session } from '../session/session.ts';
import { readSessionEvents, type SessionEventVisitor } from '../session/session-event.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { TestClient } from '../testing/test-client.ts';
import { TestClock } from '../testing/test-clock.ts';
import { type HeldOutcome, SessionLog } from './session-log.ts';

const PINGRESP = Buffer.from([0xd0, 0]);
const session = new Session('c', 7, 60, new InflightWindow(10), new InboundExactlyOnce());

async function open() {
  const memory = new MemoryJournal({ clock: new TestClock() });
  await memory.createShard({ name: 'log', durable: true });
  const controlled = new ControlledJournal(memory, 'log');
  const turn = new Turn();
  const failures: unknown[] = [];
  let settled = 0;
  const log = new SessionLog({
    journal: controlled.journal,
    shard: 'log',
    end: 0,
    turn,
    metrics: new Metrics(),
    clock: new TestClock(),
    onFailure: (error) => failures.push(error),
    onSettled: () => {
      settled += 1;
    },
  });
  return { memory, controlled, turn, log, failures, settledTimes: () => settled };
}

/** The events of each record of the log, in short. */
async function recorded(memory: MemoryJournal): Promise<string[][]> {
  const { entries } = await memory.read('log', everythingFrom(0));
  return entries.map(({ buffer, position }) => {
    const record = new RecordView().at(buffer, position);
    assert.equal(record.kind, RecordKind.session);
    const events: string[] = [];
    const note =
      (kind: string) =>
      (...values: number[]) =>
        events.push(`${kind} ${values.join(' ')}`);
    const visitor = Object.fromEntries(
      ['sent', 'acknowledged', 'received', 'released', 'ended'].map((kind) => [kind, note(kind)]),
    );
    readSessionEvents(record.buffer, record.payloadStart, record.payloadEnd, visitor as unknown as SessionEventVisitor);
    return events;
  });
}

const nextTurn = () => new Promise(setImmediate);

describe('the session log', () => {
  it('writes all events of a turn as one record', async () => {
    const { memory, controlled, turn, log } = await open();
    log.sent(session, 1, 2, 3, 40, 5);
    log.received(session, 1);
    log.acknowledged(session, 1);
    log.released(session, 9, 3, 41);
    turn.end();
    assert.deepEqual([controlled.waiting, log.committedEnd], [[1], 0]);
    controlled.settle('commit');
    await log.idle();
    assert.equal(log.committedEnd, 1);
    assert.deepEqual(await recorded(memory), [
      ['sent 7 1 2 3 40 5', 'received 7 1', 'acknowledged 7 1', 'released 7 9 3 41'],
    ]);
  });

  it('gathers what comes while a commit is under way', async () => {
    const { memory, controlled, turn, log } = await open();
    for (const packetId of [1, 2, 3]) {
      log.acknowledged(session, packetId);
      turn.end();
    }
    assert.deepEqual(controlled.waiting, [1]);
    controlled.settle('commit');
    await nextTurn();
    controlled.settle('commit');
    await log.idle();
    assert.deepEqual(await recorded(memory), [['acknowledged 7 1'], ['acknowledged 7 2', 'acknowledged 7 3']]);
  });

  it('lets bytes go only when the events before them are durable', async () => {
    const { controlled, turn, log } = await open();
    const client = new TestClient();
    let outcome = 'waiting';
    log.received(session, 1);
    log.afterCommit(client, PINGRESP, () => {
      outcome = 'left';
    });
    turn.end();
    assert.deepEqual([client.take(), outcome], [[], 'waiting']);
    controlled.settle('commit');
    await log.idle();
    assert.deepEqual([client.take().length, outcome], [1, 'left']);
  });

  it('tells who asks when everything noted before is durable, and who has to ask again', async () => {
    const { controlled, turn, log } = await open();
    await log.durable();
    log.received(session, 1);
    const refused = assert.rejects(log.durable(), /full/);
    turn.end();
    const again = log.durable();
    turn.end();
    controlled.settle('fail');
    await refused;
    turn.end();
    assert.deepEqual(controlled.waiting, [1], 'nothing new was noted');
    controlled.settle('commit');
    await again;
  });

  it('copies the bytes, for their buffer is used again', async () => {
    const { controlled, turn, log } = await open();
    const client = new TestClient();
    const bytes = Buffer.from(PINGRESP);
    log.received(session, 1);
    log.afterCommit(client, bytes);
    bytes.fill(0);
    turn.end();
    controlled.settle('commit');
    await log.idle();
    assert.deepEqual(client.take(), [{ type: 'pingresp' }]);
  });

  it('lets bytes go at once when there is nothing to wait for, and behind a commit that is under way', async () => {
    const { controlled, turn, log } = await open();
    const client = new TestClient();
    log.afterCommit(client, PINGRESP);
    assert.equal(client.take().length, 1);
    log.received(session, 1);
    turn.end();
    log.afterCommit(client, PINGRESP);
    assert.equal(client.take().length, 0);
    controlled.settle('commit');
    await log.idle();
    assert.equal(client.take().length, 1);
  });

  it('sends nothing to a client that has gone meanwhile', async () => {
    const { controlled, turn, log } = await open();
    const client = new TestClient();
    log.received(session, 1);
    log.afterCommit(client, PINGRESP);
    turn.end();
    client.close(CLOSE_REASONS.clientClosed);
    controlled.settle('commit');
    await log.idle();
    assert.deepEqual(client.take(), []);
  });

  it('closes those to whom it cannot keep its word, and tries again with the events', async () => {
    const { memory, controlled, turn, log, failures, settledTimes } = await open();
    const client = new TestClient();
    const outcomes: Parameters<HeldOutcome>[0][] = [];
    log.received(session, 1);
    log.afterCommit(client, PINGRESP, (failure) => outcomes.push(failure));
    turn.end();
    log.acknowledged(session, 2);
    controlled.settle('fail');
    await nextTurn();
    assert.equal(client.closeReason, CLOSE_REASONS.quotaExceeded);
    assert.deepEqual([client.take(), failures.length, settledTimes()], [[], 1, 1]);
    assert.deepEqual(outcomes, [{ cause: failures[0] }]);
    assert.equal(log.committedEnd, 0);
    controlled.settle('commit');
    await log.idle();
    assert.deepEqual(await recorded(memory), [['received 7 1', 'acknowledged 7 2']]);
  });

  it('is saturated while more waits than the broker wants to hold', async () => {
    const { controlled, turn, log } = await open();
    log.acknowledged(session, 1);
    turn.end();
    for (let count = 0; !log.saturated; count += 1) {
      assert.ok(count < 1_000_000);
      log.acknowledged(session, 1);
    }
    controlled.settle('commit');
    await nextTurn();
    assert.equal(log.saturated, false);
    controlled.settle('commit');
    await log.idle();
  });
});
