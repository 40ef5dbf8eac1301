import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveScramCredential, formatScramCredential } from './scram-credential.ts';
import { SCRAM_FILE } from './scram-file.ts';
import { parseUserFile } from './user-file.ts';

test('the file of SCRAM users holds their credentials, and a line that does not is named', async () => {
  const credential = (await deriveScramCredential('pencil', 4096))!;
  const line = `alice:${formatScramCredential(credential)}\n`;
  assert.deepEqual(parseUserFile(line, 'scram', SCRAM_FILE), new Map([['alice', credential]]));
  assert.throws(() => parseUserFile(`${line}bob:$scrypt$x\n`, '/etc/scram', SCRAM_FILE), {
    code: 'malformed',
    message: /^\/etc\/scram:2: no credential of SCRAM-SHA-256 with at least 4096 iterations$/,
  });
});
