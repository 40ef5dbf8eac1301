import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { payloads } from '../../testing/records.ts';
import type { SimulatedDisk } from './testing/simulated-disk.ts';
import { openSimulated, readPayloads } from './testing/simulated-journal.ts';

type Step =
  /** Appends that many batches at once and waits for all. */
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  /** Appends, lets the loop turn some times, and cuts the power. */
  | {
      readonly kind: 'crash';
      readonly sizes: readonly number[];
      readonly turns: number;
      readonly keep: readonly boolean[];
    }
  | { readonly kind: 'restart' }
  | { readonly kind: 'fill_disk'; readonly spaceLeft: number }
  | { readonly kind: 'free_disk' }
  | { readonly kind: 'fail'; readonly operation: 'write' | 'sync' | 'truncate' | 'syncFolder'; readonly code: string };

const sizes = fc.array(fc.nat(1500), { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), sizes }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      sizes,
      turns: fc.nat(8),
      keep: fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill_disk' as const), spaceLeft: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'free_disk' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      operation: fc.constantFrom('write' as const, 'sync' as const, 'syncFolder' as const),
      code: fc.constantFrom('EIO', 'ENOSPC'),
    }),
  },
);

/** Drives a journal through failures and crashes and remembers what it was promised. */
class Model {
  #open: Awaited<ReturnType<typeof openSimulated>>;
  #number = 0;
  /** What must be read: the records acknowledged, and those found after a crash. */
  #expected: string[] = [];

  private constructor(open: Awaited<ReturnType<typeof openSimulated>>) {
    this.#open = open;
  }

  static async start(): Promise<Model> {
    return new Model(await openSimulated(Model.options()));
  }

  static options(disk?: SimulatedDisk) {
    return { segmentBytes: 4000, cacheBytes: 1500, ...(disk === undefined ? {} : { disk }) };
  }

  async run(step: Step): Promise<void> {
    const { disk, journal } = this.#open;
    if (step.kind === 'fill_disk') disk.spaceLeft = step.spaceLeft;
    else if (step.kind === 'free_disk') disk.spaceLeft = Number.POSITIVE_INFINITY;
    else if (step.kind === 'fail') disk.failNext(step.operation, step.code);
    else if (step.kind === 'append') {
      await Promise.all(this.#append(step.sizes).appends);
      await this.check();
    } else if (step.kind === 'restart') {
      disk.heal();
      await journal.close();
      this.#open = await openSimulated(Model.options(disk.copy()));
      await this.check();
    } else await this.#crash(step.sizes, step.turns, step.keep);
  }

  async check(): Promise<void> {
    assert.deepEqual(await readPayloads(this.#open.journal), this.#expected);
  }

  close(): Promise<void> {
    this.#open.disk.heal();
    return this.#open.journal.close();
  }

  #append(sizes: readonly number[]) {
    const undecided = new Set<string>();
    const appends = sizes.map(async (size) => {
      this.#number += 1;
      const text = `${this.#number}:${'x'.repeat(size)}`;
      undecided.add(text);
      try {
        await this.#open.journal.append('s', payloads(text));
        this.#expected.push(text);
      } catch {
        // Rejected: it must never be read.
      }
      undecided.delete(text);
    });
    return { appends, undecided };
  }

  async #crash(sizes: readonly number[], turns: number, keep: readonly boolean[]): Promise<void> {
    const { disk, journal } = this.#open;
    const { appends, undecided } = this.#append(sizes);
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    let decision = 0;
    const after = disk.crashed(() => {
      decision += 1;
      return keep[decision % keep.length]!;
    });
    const promised = [...this.#expected];
    const maybe = [...undecided];
    await Promise.all(appends);
    disk.heal();
    await journal.close();
    this.#open = await openSimulated(Model.options(after));
    const found = await readPayloads(this.#open.journal);
    assert.deepEqual(found.slice(0, promised.length), promised);
    // Of what was under way a beginning may have survived, in order.
    assert.deepEqual(found.slice(promised.length), maybe.slice(0, found.length - promised.length));
    this.#expected = found;
  }
}

describe('a segment journal on a failing disk and a failing power supply', () => {
  it('never loses what it acknowledged and never returns what it rejected', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        const model = await Model.start();
        for (const step of steps) await model.run(step);
        await model.check();
        await model.close();
      }),
      { numRuns: 300 },
    );
  });
});
