import { z } from 'zod';
import { writeOne } from './collection.ts';
import type { Placement } from './placement.ts';
import { json } from './value-codec.ts';

const counter = json(z.strictObject({ next: z.int().min(1) }));

/**
 * Takes `count` numbers nobody has had before, from 1 on, and gives the first of them. Numbers taken and not used, as
 * after a crash, are not given again.
 */
export async function takeNumbers(placement: Placement, key: string, count: number): Promise<number> {
  for (;;) {
    const entry = await placement.get(key);
    const first = entry === undefined ? 1 : counter.decode(entry).next;
    const value = counter.encode({ next: first + count });
    const outcome = await writeOne(placement, { type: 'put', key, value, ifRevision: entry?.revision ?? 0 });
    if (outcome.type === 'written') return first;
    // Someone else took numbers in between: that is progress, so this ends.
  }
}
