import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { Collection, type Stored } from './collection.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import type { Placement } from './placement.ts';
import { publishRecords } from './publish-records.ts';
import { json } from './value-codec.ts';

interface Thing {
  readonly color: string;
  readonly source: string;
}

const things = new Collection<Thing>('thing/', json(z.strictObject({ color: z.string(), source: z.string() })));
const isFromFile = ({ value }: Stored<Thing>): boolean => value.source === 'file';
const fromFile = (colors: Readonly<Record<string, string>>): Map<string, Thing> =>
  new Map(Object.entries(colors).map(([name, color]) => [name, { color, source: 'file' }]));

const publish = (placement: Placement, colors: Readonly<Record<string, string>>) =>
  publishRecords(placement, things, fromFile(colors), isFromFile);

async function listed(placement: Placement): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, value } of things.list(placement)) found[name] = `${value.color} of ${value.source}`;
  return found;
}

describe('publishing the records of a source', () => {
  it('writes what is new or changed, deletes what is gone, and touches nothing else', async () => {
    const placement = new MemoryPlacement();
    await publish(placement, { a: 'red', b: 'red', c: 'red' });
    const unchanged = await things.get(placement, 'a');

    const publication = await publish(placement, { a: 'red', b: 'blue', d: 'blue' });
    assert.deepEqual(publication, { written: 2, deleted: 1, heldByOthers: [] });
    assert.deepEqual(await listed(placement), { a: 'red of file', b: 'blue of file', d: 'blue of file' });
    assert.deepEqual(await things.get(placement, 'a'), unchanged);
    await placement.close();
  });

  it('leaves the records of others alone, and says where one is in the way', async () => {
    const placement = new MemoryPlacement();
    await things.put(placement, 'theirs', { color: 'green', source: 'someone' });
    await things.put(placement, 'both', { color: 'green', source: 'someone' });
    const publication = await publish(placement, { mine: 'red', both: 'red' });
    assert.deepEqual(publication, { written: 1, deleted: 0, heldByOthers: ['both'] });
    await publish(placement, {});
    assert.deepEqual(await listed(placement), { theirs: 'green of someone', both: 'green of someone' });
    await placement.close();
  });

  it('overwrites nothing that came in between', async () => {
    const inner = new MemoryPlacement();
    await publish(inner, { a: 'red' });
    let disturbances = 1;
    const disturbed: Placement = {
      get: (key) => inner.get(key),
      list: (prefix, page) => inner.list(prefix, page),
      watch: (prefix, onChange) => inner.watch(prefix, onChange),
      close: () => inner.close(),
      async write(writes) {
        if (disturbances-- > 0) await things.put(inner, 'a', { color: 'green', source: 'someone' });
        return inner.write(writes);
      },
    };
    const publication = await publish(disturbed, { a: 'blue', b: 'blue' });
    assert.deepEqual(publication, { written: 1, deleted: 0, heldByOthers: ['a'] });
    assert.deepEqual(await listed(inner), { a: 'green of someone', b: 'blue of file' });
    await inner.close();
  });

  it('changes nothing while a record does not parse, and names it', async () => {
    const placement = new MemoryPlacement();
    await publish(placement, { a: 'red' });
    await placement.write([{ type: 'put', key: 'thing/z', value: Buffer.from('{') }]);
    await assert.rejects(publish(placement, {}), { code: 'corrupt', message: /"thing\/z"/ });
    assert.ok(await things.get(placement, 'a'));
    await placement.close();
  });

  it('ends at what the source says, from wherever it starts, more than a group at a time', async () => {
    const colors = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('red', 'blue'));
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, at) => [`n${at}`, 'red']));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(colors, fc.constant(many)), { maxLength: 4 }),
        colors,
        async (before, last) => {
          const placement = new MemoryPlacement();
          for (const step of before) await publish(placement, step);
          await publish(placement, last);
          const expected = Object.entries(last).map(([name, color]) => [name, `${color} of file`]);
          assert.deepEqual(await listed(placement), Object.fromEntries(expected));
          assert.deepEqual(await publish(placement, last), { written: 0, deleted: 0, heldByOthers: [] });
          await placement.close();
        },
      ),
      { numRuns: 15 },
    );
  });
});
