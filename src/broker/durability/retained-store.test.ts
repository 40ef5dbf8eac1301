import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryPlacement } from '../../placement/engines/memory/memory-placement.ts';
import { placementRetainedStore } from './retained-store.ts';

describe('retained messages in placement', () => {
  it('are loaded as they were written, any topic and any bytes', async () => {
    const placement = new MemoryPlacement();
    const store = placementRetainedStore(placement);
    const kept = new Map([
      ['a/b', new Uint8Array([0, 255])],
      ['/', new Uint8Array([1])],
      ['größe/🌡', new Uint8Array([2])],
    ]);
    await store.write(kept);
    await store.write(
      new Map([
        ['a/b', new Uint8Array([3])],
        ['/', undefined],
      ]),
    );
    const loaded = new Map<string, number[]>();
    for await (const { topic, value } of store.load()) loaded.set(topic, [...value]);
    assert.deepEqual(
      loaded,
      new Map([
        ['a/b', [3]],
        ['größe/🌡', [2]],
      ]),
    );
    await placement.close();
  });
});
