import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CHUNK_WORDS } from '../ring/ring-memory.ts';
import { WindowAccount } from './window-account.ts';

const CHUNKS = 8;

describe('the account of the window', () => {
  it('counts what was handed on before it was written over, and the rest as unsampled', () => {
    const account = new WindowAccount(CHUNKS);
    account.read(10, 8);
    account.read(CHUNK_WORDS + 10, 5);
    account.handed(10, 3);
    assert.deepEqual([account.undecided, account.unsampled], [10, 0]);
    account.forget(CHUNK_WORDS);
    assert.deepEqual([account.undecided, account.unsampled], [5, 5]);
    account.handed(CHUNK_WORDS + 10, 5);
    account.forget(3 * CHUNKS * CHUNK_WORDS);
    assert.deepEqual([account.undecided, account.unsampled], [0, 5]);
  });

  it('loses nothing, however far the writer goes: read = handed + unsampled + undecided', () => {
    const step = fc.record({ words: fc.nat(3 * CHUNK_WORDS), spans: fc.nat(20), handed: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const account = new WindowAccount(CHUNKS);
        let [position, read, handed] = [0, 0, 0];
        for (const { words, spans, handed: wanted } of steps) {
          position += words;
          account.forget(Math.max(0, position - (CHUNKS - 1) * CHUNK_WORDS));
          account.read(position, spans);
          const now = Math.min(wanted, spans);
          account.handed(position, now);
          read += spans;
          handed += now;
          assert.equal(handed + account.unsampled + account.undecided, read);
        }
        account.forget(position + CHUNKS * CHUNK_WORDS);
        assert.deepEqual([account.undecided, account.unsampled], [0, read - handed]);
      }),
    );
  });
});
