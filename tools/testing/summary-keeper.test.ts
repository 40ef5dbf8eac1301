import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SummaryKeeper } from './summary-keeper.ts';

function hiddenAfter(...lines: string[]): readonly string[] {
  const keeper = new SummaryKeeper();
  for (const line of lines) keeper.add(line);
  return keeper.hidden();
}

describe('the summary of a test run', () => {
  it('is not repeated when it ended the output', () => {
    assert.deepEqual(hiddenAfter('✔ works (1ms)', 'ℹ tests 1', 'ℹ pass 1', ''), []);
  });

  it('is told again when failures followed it', () => {
    const lines = ['ℹ tests 2', 'ℹ pass 1', 'ℹ fail 1', '', '✖ failing tests:', 'AssertionError'];
    assert.deepEqual(hiddenAfter(...lines), ['ℹ tests 2', 'ℹ pass 1', 'ℹ fail 1']);
  });

  it('is the last one when a test printed another', () => {
    assert.deepEqual(hiddenAfter('ℹ tests 9', 'noise', 'ℹ tests 1', 'ℹ fail 1', 'noise'), ['ℹ tests 1', 'ℹ fail 1']);
  });
});
