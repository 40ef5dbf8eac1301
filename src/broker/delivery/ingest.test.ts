import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { addRecord } from '../../journal/testing/records.ts';
import { Turn } from '../connection/turn.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { TestClock } from '../testing/test-clock.ts';
import { Ingest, type IngestEvents } from './ingest.ts';

async function open(events: Partial<IngestEvents<string>> = {}) {
  const memory = new MemoryJournal({ clock: new TestClock() });
  await memory.createShard({ name: 's', durable: true });
  const controlled = new ControlledJournal(memory, 's');
  const turn = new Turn();
  const log: string[] = [];
  const ingest: Ingest<string> = new Ingest({
    shard: { name: 's', number: 1, durable: true },
    end: 0,
    journal: controlled.journal,
    turn,
    events: {
      onCommit(_ingest, batch, { baseOffset }) {
        log.push(`committed ${batch.origins.join(',')} at ${baseOffset}`);
        return undefined;
      },
      onFailure(_ingest, batch, cause) {
        log.push(`failed ${batch.origins.join(',')}: ${(cause as Error).message}`);
      },
      ...events,
    },
  });
  const add = (origin: string, payload = ''): void => {
    const batch = ingest.open();
    batch.positions.push(addRecord(batch.records, { topic: 't', payload }));
    batch.origins.push(origin);
  };
  return { ingest, controlled, turn, log, add };
}

const microtasks = () => new Promise(setImmediate);

describe('the ingest of a shard', () => {
  it('appends all that a turn brought at once, and tells when it is durable', async () => {
    const { ingest, controlled, turn, log, add } = await open();
    add('a');
    add('b');
    assert.equal(ingest.queueDepth, 2);
    turn.end();
    assert.deepEqual([controlled.waiting, log], [[2], []]);
    controlled.settle('commit');
    await ingest.idle();
    assert.deepEqual(log, ['committed a,b at 0']);
    assert.equal(ingest.dispatchedEnd, 2);
  });

  it('gathers all that comes while an append is under way into the next one', async () => {
    const { ingest, controlled, turn, log, add } = await open();
    add('a');
    turn.end();
    for (const origin of ['b', 'c', 'd']) {
      add(origin);
      turn.end();
    }
    assert.deepEqual(controlled.waiting, [1]);
    controlled.settle('commit');
    await microtasks();
    assert.deepEqual(controlled.waiting, [3]);
    controlled.settle('commit');
    await ingest.idle();
    assert.deepEqual(log, ['committed a at 0', 'committed b,c,d at 1']);
    assert.equal(ingest.dispatchedEnd, 4);
  });

  it('tells everybody that it failed, those behind it too, and then goes on', async () => {
    const { ingest, controlled, turn, log, add } = await open();
    add('a');
    add('b');
    turn.end();
    add('c');
    turn.end();
    controlled.settle('fail');
    await ingest.idle();
    assert.deepEqual(log, ['failed a,b: the disk is full', 'failed c: the disk is full']);
    assert.deepEqual([ingest.dispatchedEnd, ingest.queueDepth], [0, 0]);
    add('d');
    turn.end();
    controlled.settle('commit');
    await ingest.idle();
    assert.equal(log.at(-1), 'committed d at 0');
  });

  it('keeps a batch as it is while its answers wait, and counts it as dispatched', async () => {
    let answered = (): void => undefined;
    const { ingest, controlled, turn, add } = await open({
      onCommit: () =>
        new Promise<void>((resolve) => {
          answered = resolve;
        }),
    });
    add('a');
    turn.end();
    controlled.settle('commit');
    await microtasks();
    assert.equal(ingest.dispatchedEnd, 1);
    add('b');
    turn.end();
    assert.deepEqual(controlled.waiting, [], 'one append at a time');
    answered();
    await microtasks();
    assert.deepEqual(controlled.waiting, [1]);
    controlled.settle('commit');
    await microtasks();
    answered();
    await ingest.idle();
    assert.equal(ingest.dispatchedEnd, 2);
  });

  it('is saturated while more waits than the broker wants to hold', async () => {
    const { ingest, controlled, turn, add } = await open();
    add('under way');
    turn.end();
    const payload = 'x'.repeat(1024 * 1024);
    while (!ingest.saturated) {
      assert.ok(ingest.queueDepth < 10);
      add('large', payload);
    }
    controlled.settle('commit');
    await microtasks();
    assert.equal(ingest.saturated, false);
    controlled.settle('commit');
    await ingest.idle();
  });

  it('tells who asks when the message added last has been answered, or has failed', async () => {
    const { ingest, controlled, turn, add } = await open();
    const settled: string[] = [];
    const follow = (name: string): void => {
      add(name);
      void ingest.settled().then(() => settled.push(name));
      turn.end();
    };
    follow('a');
    follow('b');
    controlled.settle('commit');
    await microtasks();
    assert.deepEqual(settled, ['a']);
    follow('c');
    controlled.settle('fail');
    await ingest.idle();
    assert.deepEqual(settled, ['a', 'b', 'c']);
  });

  it('is idle at once when nothing waits', async () => {
    const { ingest } = await open();
    await ingest.idle();
    assert.equal(ingest.queueDepth, 0);
  });
});
