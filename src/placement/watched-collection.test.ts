import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { Collection } from './collection.ts';
import { MemoryPlacement } from './engines/memory/memory-placement.ts';
import type { Placement, PlacementError } from './placement.ts';
import { json, wrongValue } from './value-codec.ts';
import { WatchedCollection } from './watched-collection.ts';

const numbers = new Collection('number/', json(z.string()));

async function open(placement: Placement) {
  const refusals: PlacementError[] = [];
  let parses = 0;
  const watched = await WatchedCollection.open(
    placement,
    numbers,
    ({ name, value }) => {
      parses += 1;
      if (Number.isNaN(Number(value))) throw wrongValue(numbers.key(name), 'not a number');
      return Number(value);
    },
    (error) => refusals.push(error),
  );
  return { watched, refusals, parses: () => parses };
}

describe('a collection that is watched', () => {
  it('holds what was there and follows every change, parsing each record once for each', async () => {
    const placement = new MemoryPlacement();
    await numbers.put(placement, 'one', '1');
    await numbers.put(placement, 'level/two', '2');
    const { watched, parses } = await open(placement);
    const { records } = watched;
    assert.deepEqual([...records].sort(), [
      ['level/two', 2],
      ['one', 1],
    ]);

    const versions = [watched.version];
    watched.onChange(() => versions.push(watched.version));
    await numbers.put(placement, 'one', '11');
    assert.equal(records.get('one'), 11);
    await numbers.delete(placement, 'one');
    assert.deepEqual([...records.keys()], ['level/two']);
    assert.equal(parses(), 3);
    assert.equal(new Set(versions).size, 3);

    watched.close();
    await numbers.put(placement, 'three', '3');
    assert.equal(records.has('three'), false);
    assert.equal(versions.length, 3);
    await placement.close();
  });

  it('keeps a record as it was when its change does not parse, and goes on with the others', async () => {
    const placement = new MemoryPlacement();
    await numbers.put(placement, 'one', '1');
    const { watched, refusals } = await open(placement);
    const { version } = watched;
    await numbers.put(placement, 'one', 'uno');
    await placement.write([{ type: 'put', key: 'number/two', value: Buffer.from('{') }]);
    assert.deepEqual([...watched.records], [['one', 1]]);
    assert.equal(watched.version, version);
    assert.deepEqual(
      refusals.map(({ code, message }) => [code, message.slice(0, 28)]),
      [
        ['corrupt', 'the value of "number/one" is'],
        ['corrupt', 'the value of "number/two" is'],
      ],
    );
    await numbers.put(placement, 'two', '2');
    assert.equal(watched.records.get('two'), 2);
    await placement.close();
  });

  it('does not open over a record that does not parse', async () => {
    const placement = new MemoryPlacement();
    await numbers.put(placement, 'one', 'uno');
    await assert.rejects(open(placement), { code: 'corrupt', message: /"number\/one" is wrong: not a number/ });
    await placement.close();
  });
});
