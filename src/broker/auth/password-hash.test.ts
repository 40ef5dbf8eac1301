import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPasswordHash, hashPassword, parsePasswordHash, verifyPassword } from './password-hash.ts';

test('a new hash verifies its password and no other, and survives being written down', async () => {
  const written = formatPasswordHash(await hashPassword(Buffer.from('correct horse')));
  assert.match(written, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  const hash = parsePasswordHash(written);
  assert.ok(hash);
  assert.equal(await verifyPassword(hash, Buffer.from('correct horse')), true);
  assert.equal(await verifyPassword(hash, Buffer.from('correct horsf')), false);
});

test('the same password gets a different hash every time', async () => {
  const [one, other] = await Promise.all([hashPassword(Buffer.from('x')), hashPassword(Buffer.from('x'))]);
  assert.notDeepEqual(one.salt, other.salt);
  assert.notDeepEqual(one.hash, other.hash);
});

test('the test vector of RFC 7914 section 12 verifies', async () => {
  const hash = Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex',
  );
  const salt = Buffer.from('SodiumChloride');
  const vector = { logCost: 14, blockSize: 8, parallelism: 1, salt, hash };
  assert.equal(await verifyPassword(vector, Buffer.from('pleaseletmein')), true);
});

test('what is no scrypt hash, or an absurdly dear one, is not accepted', () => {
  const salt = 'A'.repeat(22);
  const hash = 'A'.repeat(43);
  assert.ok(parsePasswordHash(`$scrypt$ln=15,r=8,p=1$${salt}$${hash}`));
  for (const phc of [
    '',
    'plain',
    `$argon2id$v=19$m=65536,t=2,p=1$${salt}$${hash}`,
    `$scrypt$ln=25,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=99,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=0$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=1$AA$${hash}`,
    `$scrypt$ln=15,r=8,p=1$${salt}$AA`,
    `$scrypt$ln=15,r=8,p=1$${salt}`,
  ])
    assert.equal(parsePasswordHash(phc), undefined, phc);
});
