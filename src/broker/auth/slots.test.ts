import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from './slots.ts';

test('runs up to the limit, queues up to the other, refuses the rest, and frees what ends or fails', async () => {
  const slots = new Slots(2, 1);
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
  const started: number[] = [];
  const task = (index: number) => () => {
    started.push(index);
    return gates[index]!.promise;
  };
  const [first, second, third] = [slots.run(task(0)), slots.run(task(1)), slots.run(task(2))];
  assert.deepEqual(started, [0, 1]);
  assert.equal(slots.run(task(2)), undefined);

  gates[0]!.reject(new Error('failed'));
  await assert.rejects(first!, /failed/);
  gates[2]!.resolve('third');
  assert.equal(await third, 'third');
  gates[1]!.resolve('second');
  assert.equal(await second, 'second');

  assert.equal(await slots.run(async () => 'free again'), 'free again');
});
