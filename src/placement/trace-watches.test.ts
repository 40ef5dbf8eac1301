import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WatchRule } from '../telemetry/sampling/watch-rules.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import { type Placement, PlacementError } from './placement.ts';
import { TraceWatches, type TraceWatchWish, traceWatches } from './trace-watches.ts';

const START = 1_700_000_000_000;
const WISH: TraceWatchWish = { clientId: 'meter-*', topic: 'a/#', limit: 10, forMs: 60_000 };

/** A node that shares placement with others; time stands still until a test moves it. */
async function openNode(placement: Placement, name = 'n') {
  const clock = { time: START, now: () => clock.time };
  const failures: Error[] = [];
  let made = 0;
  const newId = () => {
    made += 1;
    return `${name}${made}`;
  };
  const watches = await TraceWatches.open(placement, { clock, newId, onFailure: (error) => failures.push(error) });
  return { watches, clock, failures, [Symbol.asyncDispose]: () => watches.close() };
}

const ids = (rules: readonly WatchRule[]): string[] => rules.map(({ id }) => id);

describe('watch rules', () => {
  it('are counted to the end', async () => {
    const placement = new MemoryPlacement();
    const node = await openNode(placement);
    await node.watches.create(WISH);
    const counting = node.watches.addKept([{ id: 'n1', traces: 1 }]);
    const more = node.watches.addKept([{ id: 'n1', traces: 2 }]);
    await node.watches.close();
    assert.equal((await traceWatches.get(placement, 'n1'))?.value.kept, 3);
    await Promise.all([counting, more]);
  });

  it('are made with an end, and every node hears of them', async () => {
    const placement = new MemoryPlacement();
    await using here = await openNode(placement);
    await using there = await openNode(placement);
    const heard: string[][] = [];
    there.watches.onChange((rules) => heard.push(ids(rules)));
    const made = await here.watches.create(WISH);
    const expected = { id: 'n1', clientId: 'meter-*', topic: 'a/#', limit: 10, kept: 0, expiresAt: START + 60_000 };
    assert.deepEqual(made, expected);
    assert.deepEqual(there.watches.rules, [expected]);
    assert.equal(await there.watches.remove('n1'), true);
    assert.deepEqual(here.watches.rules, []);
    assert.equal(await there.watches.remove('n1'), false);
    assert.deepEqual(heard, [['n1'], []]);
  });

  it('are there again after a restart, with what was kept', async () => {
    const placement = new MemoryPlacement();
    {
      await using before = await openNode(placement);
      await before.watches.create(WISH);
      await before.watches.addKept([{ id: 'n1', traces: 4 }]);
    }
    await using after = await openNode(placement);
    assert.deepEqual(
      after.watches.rules.map(({ id, kept }) => [id, kept]),
      [['n1', 4]],
    );
  });

  it('end when they expire, and are taken away', async () => {
    const placement = new MemoryPlacement();
    await using node = await openNode(placement);
    await node.watches.create(WISH);
    await node.watches.create({ ...WISH, forMs: 120_000 });
    node.clock.time += 60_000;
    assert.deepEqual(ids(node.watches.rules), ['n2']);
    assert.notEqual(await traceWatches.get(placement, 'n1'), undefined);
    await node.watches.sweep();
    assert.equal(await traceWatches.get(placement, 'n1'), undefined);
    assert.notEqual(await traceWatches.get(placement, 'n2'), undefined);
  });

  it('end at their limit, whichever nodes kept the traces', async () => {
    const placement = new MemoryPlacement();
    await using here = await openNode(placement);
    await using there = await openNode(placement);
    await here.watches.create(WISH);
    await Promise.all([
      here.watches.addKept([{ id: 'n1', traces: 3 }]),
      there.watches.addKept([{ id: 'n1', traces: 4 }]),
      here.watches.addKept([{ id: 'n1', traces: 2 }]),
    ]);
    await here.watches.sweep();
    assert.equal(here.watches.rules[0]?.kept, 9);
    await there.watches.addKept([{ id: 'n1', traces: 1 }]);
    assert.deepEqual(here.watches.rules, []);
    await here.watches.sweep();
    assert.equal(await traceWatches.get(placement, 'n1'), undefined);
  });

  it('are at most 64, also when they are asked for at once', async () => {
    await using node = await openNode(new MemoryPlacement());
    const made = await Promise.all(Array.from({ length: 70 }, () => node.watches.create(WISH)));
    assert.equal(made.filter((rule) => rule !== undefined).length, 64);
    assert.equal(node.watches.rules.length, 64);
    await node.watches.remove('n1');
    assert.notEqual(await node.watches.create(WISH), undefined);
  });

  it('get what could not be written when it can be', async () => {
    const placement = new MemoryPlacement();
    await using node = await openNode(placement);
    await node.watches.create(WISH);
    const { write } = placement;
    placement.write = () => Promise.reject(new PlacementError('io_failed', 'The disk is away.'));
    await node.watches.addKept([{ id: 'n1', traces: 3 }]);
    assert.equal(node.failures.length, 1);
    placement.write = write;
    await node.watches.sweep();
    assert.equal(node.watches.rules[0]?.kept, 3);
    await node.watches.sweep();
    await node.watches.addKept([{ id: 'n1', traces: 1 }]);
    assert.equal(node.watches.rules[0]?.kept, 4);
  });

  it('that are gone are counted no more', async () => {
    const placement = new MemoryPlacement();
    await using node = await openNode(placement);
    await node.watches.addKept([{ id: 'gone', traces: 3 }]);
    assert.deepEqual(node.failures, []);
    assert.deepEqual(node.watches.rules, []);
  });

  it('that do not parse are told, and the others stay', async () => {
    const placement = new MemoryPlacement();
    await using node = await openNode(placement);
    await node.watches.create(WISH);
    await placement.write([{ type: 'put', key: 'trace-watch/bad', value: Buffer.from('{"limit":0}') }]);
    assert.deepEqual(ids(node.watches.rules), ['n1']);
    assert.match(node.failures[0]!.message, /"trace-watch\/bad" is wrong/);
  });

  it('that do not parse are taken away at start, and keep nobody from starting', async () => {
    const placement = new MemoryPlacement();
    await placement.write([{ type: 'put', key: 'trace-watch/bad', value: Buffer.from('{') }]);
    await using node = await openNode(placement);
    assert.equal(node.failures.length, 1);
    assert.equal(await placement.get('trace-watch/bad'), undefined);
  });
});
