import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Statement } from '../../test/conformance/ledger/statement.ts';
import { checkLedger, type Ledger, readLedger, sectionOf, VERSIONS } from './ledger.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function ledger(statements: readonly Statement[], ...ids: string[]): Ledger {
  return { version: '5.0', statements, tests: ids.map((id) => ({ file: 'a.test.ts', ids: [id], name: 'is seen' })) };
}

describe('the ledger of statements', () => {
  const tested: Statement = { id: 'MQTT-3.1.0-1', binds: 'server' };
  const reasoned: Statement = { id: 'MQTT-3.1.2-20', binds: 'client', reason: 'Binds the client.' };

  it('is in order when every statement has tests or a reason', () => {
    assert.deepEqual(checkLedger(ledger([tested, reasoned], tested.id)), []);
  });

  it('misses a statement with neither', () => {
    assert.deepEqual(checkLedger(ledger([tested])), ['MQTT 5.0: MQTT-3.1.0-1 has neither test nor reason']);
  });

  it('refuses a statement with both', () => {
    assert.match(checkLedger(ledger([reasoned], reasoned.id))[0]!, /MQTT-3\.1\.2-20 has a reason .*, and a test/);
  });

  it('refuses a test of what is no statement', () => {
    const [sentence, ...more] = checkLedger(ledger([tested], tested.id, 'MQTT-9.9.9-9'));
    assert.match(sentence!, /a\.test\.ts names MQTT-9\.9\.9-9/);
    assert.deepEqual(more, []);
  });

  it('reads the section off an identifier', () => {
    assert.deepEqual([tested, { ...tested, id: 'MQTT-4.2-1' }].map(sectionOf), ['3.1.0', '4.2']);
  });

  for (const version of VERSIONS)
    it(`of MQTT ${version} names every statement once, and all have tests or a reason`, () => {
      const real = readLedger(version, ROOT);
      assert.equal(new Set(real.statements.map(({ id }) => id)).size, real.statements.length);
      assert.deepEqual(checkLedger(real), []);
    });
});
