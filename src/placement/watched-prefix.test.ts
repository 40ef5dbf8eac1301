import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import type { ListPage, Placement, PlacementChange, PlacementEntry, PlacementWrite } from './placement.ts';
import { WatchedPrefix } from './watched-prefix.ts';

const put = (key: string, value = 'v'): PlacementWrite => ({ type: 'put', key, value: Buffer.from(value) });
const del = (key: string): PlacementWrite => ({ type: 'delete', key });
const revisions = (entries: Iterable<PlacementEntry>) =>
  new Map([...entries].map(({ key, revision }) => [key, revision]));

/** A placement whose lists are read, then held back while `meanwhile` runs: as over a slow network. */
function slowToList(inner: Placement, meanwhile: (at: 'before' | 'after') => Promise<void>): Placement {
  return {
    get: (key) => inner.get(key),
    list: async (prefix: string, page?: ListPage) => {
      await meanwhile('before');
      const entries = await inner.list(prefix, page);
      await meanwhile('after');
      return entries;
    },
    write: (writes) => inner.write(writes),
    watch: (prefix, onChange) => inner.watch(prefix, onChange),
    close: () => inner.close(),
  };
}

it('shows what was there and follows every change', async () => {
  const placement = new MemoryPlacement();
  await placement.write([put('a/1'), put('a/2'), put('b/1')]);
  const watched = await WatchedPrefix.open(placement, 'a/');
  assert.deepEqual([...revisions(watched.entries()).keys()], ['a/1', 'a/2']);

  const seen: PlacementChange[] = [];
  watched.onChange((change) => {
    assert.equal(watched.get(change.key)?.revision, change.type === 'put' ? change.revision : undefined);
    seen.push(change);
  });
  await placement.write([put('a/1', 'new'), del('a/2'), put('a/3'), put('b/2')]);
  assert.deepEqual(
    seen.map(({ type, key }) => [type, key]),
    [
      ['put', 'a/1'],
      ['delete', 'a/2'],
      ['put', 'a/3'],
    ],
  );
  assert.equal(Buffer.from(watched.get('a/1')!.value).toString(), 'new');
  assert.equal(watched.get('a/2'), undefined);

  watched.close();
  await placement.write([put('a/4')]);
  assert.equal(watched.get('a/4'), undefined);
  assert.equal(seen.length, 3);
  await placement.close();
});

it('loads more entries than one page holds', async () => {
  const placement = new MemoryPlacement();
  await placement.write(Array.from({ length: 2500 }, (_, at) => put(`a/${at}`)));
  const watched = await WatchedPrefix.open(placement, 'a/');
  assert.equal([...watched.entries()].length, 2500);
  await placement.close();
});

it('misses nothing that changes while it loads, and brings back nothing deleted', async () => {
  const write = fc
    .tuple(fc.boolean(), fc.constantFrom('a/1', 'a/2', 'a/3'))
    .map(([isPut, key]) => (isPut ? put(key) : del(key)));
  const writes = fc.array(write, { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(writes, writes, writes, async (first, before, after) => {
      const inner = new MemoryPlacement();
      await inner.write(first);
      const slow = slowToList(inner, async (at) => {
        await inner.write(at === 'before' ? before : after);
      });
      const watched = await WatchedPrefix.open(slow, 'a/');
      assert.deepEqual(
        new Map([...revisions(watched.entries())].sort()),
        new Map([...revisions(await inner.list('a/'))].sort()),
      );
      await inner.close();
    }),
    { numRuns: 200 },
  );
});

it('stops watching when loading fails', async () => {
  const inner = new MemoryPlacement();
  let watches = 0;
  const counted: Placement = {
    ...slowToList(inner, () => Promise.reject(new Error('unreachable'))),
    watch: (prefix, onChange) => {
      watches += 1;
      const stop = inner.watch(prefix, onChange);
      return () => {
        watches -= 1;
        stop();
      };
    },
  };
  await assert.rejects(WatchedPrefix.open(counted, 'a/'), /unreachable/);
  assert.equal(watches, 0);
  await inner.close();
});
