import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Slots } from './slots.ts';

test('runs up to the limit, queues up to the other, refuses the rest, and frees what ends or fails', async () => {
  const slots = new Slots(2, 1);
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
  const started: number[] = [];
  const task = (index: number) => () => {
    started.push(index);
    return gates[index]!.promise;
  };
  const [first, second, third] = [slots.run('a', task(0)), slots.run('a', task(1)), slots.run('a', task(2))];
  assert.deepEqual(started, [0, 1]);
  assert.equal(await slots.run('a', task(2)), undefined);

  gates[0]!.reject(new Error('failed'));
  await assert.rejects(first, /failed/);
  gates[2]!.resolve('third');
  assert.equal(await third, 'third');
  gates[1]!.resolve('second');
  assert.equal(await second, 'second');

  assert.equal(await slots.run('a', async () => 'free again'), 'free again');
});

describe('one owner that asks for much', () => {
  /** One slot, taken; what is asked for then notes its name when its turn comes. */
  const setUp = (waitingLimit: number) => {
    const slots = new Slots(1, waitingLimit);
    const gate = Promise.withResolvers<void>();
    const held = slots.run('holder', () => gate.promise);
    const order: string[] = [];
    const ask = async (owner: string): Promise<string> =>
      (await slots.run(owner, async () => order.push(owner))) === undefined ? 'refused' : 'done';
    const release = async (): Promise<void> => {
      gate.resolve();
      await held;
    };
    return { order, ask, release };
  };

  test('waits for itself: turns go round', async () => {
    const { order, ask, release } = setUp(8);
    const asked = ['crowd', 'crowd', 'crowd', 'alice', 'bob', 'alice'].map(ask);
    await release();
    await Promise.all(asked);
    assert.deepEqual(order, ['crowd', 'alice', 'bob', 'crowd', 'alice', 'crowd']);
  });

  test('makes room for others, and for none who has as much', async () => {
    const { order, ask, release } = setUp(4);
    const asked = ['crowd', 'crowd', 'crowd', 'crowd', 'alice', 'alice', 'alice', 'crowd'].map(ask);
    await release();
    const answers = await Promise.all(asked);
    assert.deepEqual(answers, ['done', 'done', 'refused', 'refused', 'done', 'done', 'refused', 'refused']);
    assert.deepEqual(order, ['crowd', 'alice', 'crowd', 'alice']);
  });
});
