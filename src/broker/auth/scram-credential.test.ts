import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deriveScramCredential, formatScramCredential, parseScramCredential, prepare } from './scram-credential.ts';

const derived = (password: string) => deriveScramCredential(password, 4096, Buffer.from('0123456789abcdef'));

describe('a SCRAM credential', () => {
  it('is the same after being written and read', async () => {
    const credential = (await derived('pencil'))!;
    const text = formatScramCredential(credential);
    assert.match(text, /^\$scram-sha-256\$i=4096\$MDEyMzQ1Njc4OWFiY2RlZg==\$[^$]{44}\$[^$]{44}$/);
    assert.deepEqual(parseScramCredential(text), credential);
  });

  it('is of the password as SASLprep makes it, and of no password that it forbids', async () => {
    assert.deepEqual(await derived('\u2168'), await derived('IX'));
    assert.equal(await derived('a\u0007'), undefined);
    assert.equal(await derived('\u00ad'), undefined);
    assert.equal(prepare('\u00aa'), 'a');
  });

  it('has another salt each time', async () => {
    const [one, two] = [await deriveScramCredential('x', 4096), await deriveScramCredential('x', 4096)];
    assert.notDeepEqual(one?.salt, two?.salt);
  });

  it('is none with too few or absurdly many iterations, a short salt, or keys of another length', async () => {
    const text = formatScramCredential((await derived('pencil'))!);
    for (const broken of [
      text.replace('i=4096', 'i=4095'),
      text.replace('i=4096', 'i=99999999'),
      text.replace('MDEyMzQ1Njc4OWFiY2RlZg==', 'MDEy'),
      text.slice(0, -4),
      text.replace('scram-sha-256', 'scram-sha-1'),
      'hunter2',
    ])
      assert.equal(parseScramCredential(broken), undefined, broken);
  });
});
