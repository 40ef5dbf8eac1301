import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { configSchema } from '../../config/schema.ts';
import { type JwtSettings, readJwtKeys } from './jwt-keys.ts';
import { jwtSigner } from './testing/jwt-signer.ts';

const directory = await mkdtemp(join(tmpdir(), 'robustmq-jwt-keys-'));
after(() => rm(directory, { recursive: true }));

/** The keys of a file with this text. */
async function keysOf(source: 'secretFile' | 'publicKeyFile' | 'jwksFile', text: string) {
  const file = join(directory, source);
  await writeFile(file, text);
  const settings: JwtSettings = { ...configSchema.parse({}).authentication.jwt, [source]: file };
  return await readJwtKeys(settings);
}
const refused = (source: Parameters<typeof keysOf>[0], text: string, message: RegExp): Promise<void> =>
  assert.rejects(keysOf(source, text), { code: 'malformed', message });

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

describe('a key fits some algorithms and no others', () => {
  for (const [signer, algorithms] of [
    ['RS256', RSA_ALGORITHMS],
    ['ES256', ['ES256']],
    ['ES384', ['ES384']],
    ['ES512', ['ES512']],
    ['EdDSA', ['EdDSA', 'Ed25519']],
  ] as const)
    test(`that of ${signer}: ${algorithms.join(', ')}`, async () => {
      assert.deepEqual((await keysOf('publicKeyFile', jwtSigner(signer).publicPem))?.algorithms, algorithms);
    });

  test('a secret: those of HMAC', async () => {
    const keys = await keysOf('secretFile', 'x'.repeat(32));
    assert.deepEqual(keys?.algorithms, ['HS256', 'HS384', 'HS512']);
  });

  test('a key set: those of public keys', async () => {
    const keys = await keysOf('jwksFile', JSON.stringify({ keys: [jwtSigner('ES256').jwk] }));
    assert.ok(keys);
    for (const algorithm of ['ES256', 'RS256', 'EdDSA']) assert.ok(keys.algorithms.includes(algorithm));
    assert.ok(!keys.algorithms.some((algorithm) => algorithm.startsWith('HS') || algorithm === 'none'));
  });
});

describe('a file is refused by its name, and its content is not quoted', () => {
  test('a secret that is too short; the line break at its end is no part of it', async () => {
    await refused('secretFile', `${'s'.repeat(31)}\n`, /secretFile: a secret needs at least 32 bytes/);
    await refused('secretFile', `${'s'.repeat(31)}\r\n`, /at least 32/);
    assert.ok(await keysOf('secretFile', `${'s'.repeat(32)}\n`));
  });

  test('a secret that is a key or a set of them: whoever has the public key could sign', async () => {
    await refused('secretFile', jwtSigner('RS256').publicPem, /secretFile: this is a key file or a key set/);
    await refused('secretFile', JSON.stringify({ keys: [jwtSigner('RS256').jwk] }), /this is a key file or a key set/);
  });

  test('what is no public key, or a weak one', async () => {
    await refused('publicKeyFile', 'rubbish', /publicKeyFile: no public key in PEM form$/);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const pem = (key: typeof publicKey) => key.export({ type: 'pkcs1', format: 'pem' }).toString();
    await refused('publicKeyFile', pem(publicKey), /2048 bits/);
    await refused('publicKeyFile', pem(privateKey), /private key/);
  });

  test('what is no key set, or one that gives secrets away', async () => {
    await refused('jwksFile', 'rubbish', /jwksFile: no JSON Web Key Set$/);
    await refused('jwksFile', '{"keys":{}}', /no JSON Web Key Set/);
    await refused('jwksFile', '{"keys":[]}', /holds no key/);
    const { privateKey } = jwtSigner('ES256');
    await refused('jwksFile', JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }), /private/);
    await refused('jwksFile', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', /symmetric/);
  });

  test('a key set none of which can be used; unknown kinds beside others are for others', async () => {
    const strange = { kty: 'strange' };
    for (const keys of [[], [strange], [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }]])
      await refused('jwksFile', JSON.stringify({ keys }), /jwksFile: the set holds no key that can be used/);
    assert.ok(await keysOf('jwksFile', JSON.stringify({ keys: [strange, jwtSigner('ES256').jwk] })));
  });

  test('one that is not there', async () => {
    const settings = { ...configSchema.parse({}).authentication.jwt, secretFile: join(directory, 'missing') };
    await assert.rejects(readJwtKeys(settings), {
      code: 'unreadable',
      message: /missing \(authentication\.jwt\) cannot be read/,
    });
  });
});

test('no file, no keys', async () => {
  assert.equal(await readJwtKeys(configSchema.parse({}).authentication.jwt), undefined);
});
