import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogLines } from './log-lines.ts';

/** Takes what it is given, and says so only when the test wants it to. */
function slowTaker() {
  const batches: (readonly string[])[] = [];
  return { batches, taken: 0, take: (lines: readonly string[]) => batches.push(lines) };
}

const write = (lines: LogLines, count: number): void => {
  for (let index = 0; index < count; index += 1) lines.add(`${index}`);
};

describe('lines of the log on their way to the thread', () => {
  it('wait for each other, and for a thread', () => {
    const lines = new LogLines();
    lines.add('early');
    const taker = slowTaker();
    lines.start(taker);
    assert.deepEqual(taker.batches, [['early']]);
    write(lines, 600);
    assert.deepEqual(
      taker.batches.map(({ length }) => length),
      [1, 512],
    );
    lines.close();
    assert.equal(taker.batches.at(-1)!.length, 88);
  });

  it('are bounded while the thread does not keep up; what is more is counted', () => {
    const lines = new LogLines();
    const taker = slowTaker();
    lines.start(taker);
    write(lines, 5000);
    assert.equal(taker.batches.flat().length, 4096);
    assert.equal(lines.dropped('queue_full'), 904);
    taker.taken = 4096;
    write(lines, 512);
    assert.equal(taker.batches.flat().length, 4096 + 512);
    assert.equal(lines.dropped('queue_full'), 904);
    lines.close();
  });

  it('are bounded and counted while there is no thread, too', () => {
    const lines = new LogLines();
    write(lines, 5000);
    lines.close();
    assert.deepEqual([lines.dropped('queue_full'), lines.dropped('shutdown')], [904, 4096]);
  });

  it('are lost with the thread, all that it has not got and all that come later', () => {
    const lines = new LogLines();
    const taker = slowTaker();
    lines.start(taker);
    write(lines, 512);
    taker.taken = 500;
    lines.add('waits');
    lines.lose();
    lines.add('late');
    assert.equal(lines.dropped('shutdown'), 12 + 1 + 1);
  });

  it('leave out what is said of their own export', () => {
    const lines = new LogLines();
    const taker = slowTaker();
    lines.muted(() => lines.add('the collector takes no log'));
    assert.throws(() =>
      lines.muted(() => {
        throw new Error('disk');
      }),
    );
    lines.add('next');
    lines.start(taker);
    assert.deepEqual(taker.batches, [['next']]);
  });
});
