import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { compareKeys } from './key-order.ts';
import type { Placement, PlacementChange, PlacementEntry, PlacementWrite } from './placement.ts';
import type { WriteQueueLimits } from './write-queue.ts';

type OpenPlacement = (limits?: WriteQueueLimits) => Promise<Placement>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (entry: PlacementEntry | undefined): string | undefined => entry && new TextDecoder().decode(entry.value);
const put = (key: string, value: string, ifRevision?: number): PlacementWrite => ({
  type: 'put',
  key,
  value: bytes(value),
  ...(ifRevision === undefined ? {} : { ifRevision }),
});
const del = (key: string, ifRevision?: number): PlacementWrite => ({
  type: 'delete',
  key,
  ...(ifRevision === undefined ? {} : { ifRevision }),
});

/** What every engine promises. `open` gives an empty store each time; `cleanUp` runs after the last test. */
export function placementContract(engine: string, open: OpenPlacement, cleanUp: () => Promise<void>): void {
  describe(`placement contract: ${engine}`, () => {
    let placement: Placement;
    before(async () => {
      placement = await open();
    });
    after(async () => {
      await placement.close();
      await cleanUp();
    });

    entries(() => placement);
    conditions(() => placement);
    watches(() => placement);
    closing(open);
    it('agrees with a model whatever is written', () => agreesWithModel(open));
  });
}

function entries(placement: () => Placement): void {
  it('gives back what was written, with the revision of the write', async () => {
    const [outcome] = await placement().write([put('get/a', 'one')]);
    assert.equal(outcome?.type, 'written');
    const entry = await placement().get('get/a');
    assert.equal(text(entry), 'one');
    assert.equal(entry?.revision, outcome.revision);
    assert.equal(await placement().get('get/b'), undefined);
  });

  it('keeps empty values and every byte', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await placement().write([
      { type: 'put', key: 'bytes/all', value: all },
      { type: 'put', key: 'bytes/none', value: new Uint8Array() },
    ]);
    assert.deepEqual(new Uint8Array((await placement().get('bytes/all'))!.value), all);
    assert.equal((await placement().get('bytes/none'))?.value.length, 0);
  });

  it('copies a value before write() returns', async () => {
    const value = bytes('before');
    const written = placement().write([{ type: 'put', key: 'copy/a', value }]);
    value.fill(0);
    await written;
    assert.equal(text(await placement().get('copy/a')), 'before');
  });

  it('lists a prefix in key order, a page at a time', async () => {
    const keys = ['list/a', 'list/a/b', 'list/ä', 'list/\uffff', 'list/\u{1f600}', 'list/b'];
    await placement().write([...keys, 'lisu', 'list'].map((key) => put(key, key)));
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const keysOf = (found: PlacementEntry[]): string[] => found.map((entry) => entry.key);
    assert.deepEqual(keysOf(await placement().list('list/')), sorted);
    assert.deepEqual(keysOf(await placement().list('list/', { limit: 2 })), sorted.slice(0, 2));
    assert.deepEqual(keysOf(await placement().list('list/', { after: sorted[1]!, limit: 3 })), sorted.slice(2, 5));
    assert.deepEqual(keysOf(await placement().list('list/', { after: 'list/a/a' })), sorted.slice(1));
    assert.deepEqual(keysOf(await placement().list('list/', { after: 'a' })), sorted);
    assert.deepEqual(keysOf(await placement().list('list/', { after: 'z' })), []);
    assert.deepEqual(await placement().list('list/', { limit: 0 }), []);
  });

  it('lists more than one answer of the engine holds', async () => {
    const value = new Uint8Array(100_000);
    const keys = Array.from({ length: 30 }, (_, at) => `large/${String(at).padStart(2, '0')}`);
    await placement().write(keys.map((key) => ({ type: 'put', key, value })));
    const found = await placement().list('large/');
    assert.deepEqual(
      found.map((entry) => entry.key),
      keys,
    );
    assert.equal((await placement().list('large/', { limit: 25 })).length, 25);
  });

  it('deletes', async () => {
    await placement().write([put('delete/a', '1'), del('delete/a'), del('delete/absent')]);
    assert.deepEqual(await placement().list('delete/'), []);
  });

  it('takes an empty group of writes for done', async () => {
    assert.deepEqual(await placement().write([]), []);
  });
}

function conditions(placement: () => Placement): void {
  it('creates only if absent with ifRevision 0', async () => {
    const [first, second] = await placement().write([put('create/a', '1', 0), put('create/a', '2', 0)]);
    assert.equal(first?.type, 'written');
    assert.deepEqual(second, { type: 'conflict', revision: first.revision });
    assert.equal(text(await placement().get('create/a')), '1');
  });

  it('fails a write whose condition does not hold alone, in its place', async () => {
    const outcomes = await placement().write([
      put('alone/a', '1'),
      put('alone/b', '1', 1_000_000),
      del('alone/c', 1_000_000),
      put('alone/d', '1'),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.type),
      ['written', 'conflict', 'conflict', 'written'],
    );
    assert.deepEqual(outcomes[1], { type: 'conflict', revision: 0 });
  });

  it('sees the writes before it in the same group', async () => {
    const [first] = await placement().write([put('seen/a', '1')]);
    const outcomes = await placement().write([
      put('seen/a', '2', first!.revision),
      put('seen/a', '3', first!.revision),
      del('seen/a'),
      put('seen/a', '4', 0),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.type),
      ['written', 'conflict', 'written', 'written'],
    );
    assert.equal(text(await placement().get('seen/a')), '4');
  });

  it('lets exactly one of many concurrent creators win', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) => placement().write([put('race/a', String(at), 0)])),
    );
    const winners = results.filter(([outcome]) => outcome?.type === 'written');
    assert.equal(winners.length, 1);
    assert.equal((await placement().get('race/a'))?.revision, winners[0]![0]!.revision);
  });

  it('gives every write a revision above all before, deletes too', async () => {
    const revisions: number[] = [];
    for (const write of [put('grow/a', '1'), del('grow/a'), put('grow/b', '1'), del('grow/absent')]) {
      revisions.push((await placement().write([write]))[0]!.revision);
    }
    assert.ok(revisions[0]! > 0);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(revisions).size, revisions.length);
  });
}

function watches(placement: () => Placement): void {
  it('tells each change once, in revision order, under its prefix alone', async () => {
    const seen: PlacementChange[] = [];
    const stop = placement().watch('watch/', (change) => seen.push(change));
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        placement().write([put(`watch/${at % 7}`, String(at)), put('other', 'x'), del(`watch/${at % 5}`)]),
      ),
    );
    stop();
    await placement().write([put('watch/0', 'after')]);
    const expected = results.flatMap(([first, , third]) => [first!.revision, third!.revision]);
    assert.deepEqual(
      seen.map((change) => change.revision),
      expected.toSorted((a, b) => a - b),
    );
    assert.ok(seen.every((change) => change.key.startsWith('watch/')));
  });

  it('tells nothing of a conflict', async () => {
    const seen: PlacementChange[] = [];
    const stop = placement().watch('quiet/', (change) => seen.push(change));
    await placement().write([put('quiet/a', '1', 77_777_777)]);
    stop();
    assert.deepEqual(seen, []);
  });

  it('shows a change to get() by the time it is told', async () => {
    const read: Promise<PlacementEntry | undefined>[] = [];
    const stop = placement().watch('told/', (change) => read.push(placement().get(change.key)));
    await placement().write([put('told/a', 'there')]);
    stop();
    assert.equal(text(await read[0]), 'there');
  });

  it('has told a change by the time its write settles', async () => {
    let told = 0;
    const stop = placement().watch('settled/', () => told++);
    await placement().write([put('settled/a', '1')]);
    assert.equal(told, 1);
    stop();
  });

  it('can be stopped, and others started and stopped, from within a callback', async () => {
    const first: number[] = [];
    const second: number[] = [];
    const late: number[] = [];
    const stops: (() => void)[] = [];
    const stopFirst = placement().watch('within/', (change) => {
      first.push(change.revision);
      stopFirst();
      stopSecond();
      stops.push(placement().watch('within/', ({ revision }) => late.push(revision)));
    });
    const stopSecond = placement().watch('within/', (change) => second.push(change.revision));
    const outcomes = await placement().write([put('within/a', '1'), put('within/b', '1')]);
    for (const stop of stops) stop();
    assert.deepEqual([first, second, late], [[outcomes[0]!.revision], [], [outcomes[1]!.revision]]);
  });

  it('allows writing from within a callback', async () => {
    const keys: string[] = [];
    const answers: Promise<unknown>[] = [];
    const stop = placement().watch('chain/', ({ key }) => {
      keys.push(key);
      if (key === 'chain/a') answers.push(placement().write([put('chain/c', '1')]));
    });
    await placement().write([put('chain/a', '1'), put('chain/b', '1')]);
    await Promise.all(answers);
    stop();
    assert.deepEqual(keys, ['chain/a', 'chain/b', 'chain/c']);
  });
}

function closing(open: OpenPlacement): void {
  it('finishes what it accepted before it closes, and refuses everything after', async () => {
    const placement = await open();
    const accepted = placement.write([put('close/a', '1')]);
    await Promise.all([placement.close(), placement.close()]);
    assert.equal((await accepted)[0]?.type, 'written');
    await assert.rejects(placement.write([put('close/b', '1')]), { code: 'closed' });
    await assert.rejects(placement.get('close/a'), { code: 'closed' });
    await assert.rejects(placement.list('close/'), { code: 'closed' });
    assert.throws(() => placement.watch('close/', () => undefined), { code: 'closed' });
    await placement.close();
  });

  it('refuses writes beyond its memory, and takes writes again when there is room', async () => {
    const placement = await open({ pendingBytes: 1000, groupBytes: 100 });
    const large = { type: 'put', key: 'full/a', value: new Uint8Array(800) } as const;
    const accepted = placement.write([large]);
    await assert.rejects(placement.write([large]), { code: 'limit_reached' });
    await accepted;
    assert.equal((await placement.write([large]))[0]?.type, 'written');
    await placement.close();
  });
}

type Operation = {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly condition: 'none' | 'holds' | 'stale';
};

/** A map and a counter, against the engine: outcomes, watches and listings agree after every group. */
async function agreesWithModel(open: OpenPlacement): Promise<void> {
  const key = fc.constantFrom('m/a', 'm/b', 'm/c', 'm/\u{10000}', 'm/\uffee');
  const operation: fc.Arbitrary<Operation> = fc.record({
    type: fc.constantFrom('put', 'delete'),
    key,
    condition: fc.constantFrom('none', 'holds', 'stale'),
  });
  const groups = fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 8 });
  const placement = await open();
  const model = new Map<string, number>();
  const watched = new Map<string, number>();
  placement.watch('m/', (change) => {
    if (change.type === 'put') watched.set(change.key, change.revision);
    else watched.delete(change.key);
  });
  let revision = 0;

  await fc.assert(
    fc.asyncProperty(groups, async (run) => {
      for (const group of run) {
        const writes: PlacementWrite[] = [];
        const expected: { type: string; revision: number }[] = [];
        for (const { type, key, condition } of group) {
          const present = model.get(key) ?? 0;
          const ifRevision = { none: undefined, holds: present, stale: present + 1_000_000 }[condition];
          writes.push(type === 'put' ? put(key, 'v', ifRevision) : del(key, ifRevision));
          if (condition === 'stale') {
            expected.push({ type: 'conflict', revision: present });
            continue;
          }
          revision += 1;
          expected.push({ type: 'written', revision });
          if (type === 'put') model.set(key, revision);
          else model.delete(key);
        }
        assert.deepEqual(await placement.write(writes), expected);
        const listed = (await placement.list('m/')).map((entry) => [entry.key, entry.revision]);
        const byKey = (entries: Iterable<[string, number]>) => [...entries].sort(([a], [b]) => compareKeys(a, b));
        assert.deepEqual(listed, byKey(model));
        assert.deepEqual(byKey(watched), byKey(model));
      }
    }),
    { numRuns: 25 },
  );
  await placement.close();
}
