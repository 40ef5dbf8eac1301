import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { provide, runs } from './debian-packages.ts';

describe('tools that tests use', () => {
  it('are there when they can be run', () => {
    assert.equal(runs(process.execPath, '--version'), true);
    assert.equal(runs('no-such-program-anywhere'), false);
  });

  it('are not installed when they are there', () => {
    const node = { name: 'node', isThere: () => runs(process.execPath, '--version'), package: 'no-such-package' };
    assert.deepEqual(provide([node]), []);
  });
});
