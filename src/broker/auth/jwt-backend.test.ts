import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLocalJWKSet, type JWTPayload } from 'jose';
import { configSchema } from '../../config/schema.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { TestClock } from '../testing/test-clock.ts';
import type { Verdict } from './authenticator.ts';
import { JwtBackend } from './jwt-backend.ts';
import { ASYMMETRIC, type JwtKeys, type JwtSettings } from './jwt-keys.ts';
import { jwtSigner, signWithSecret } from './testing/jwt-signer.ts';

const SECRET = 'a secret that is long enough to be one';
const signer = jwtSigner('ES256');
const keySetOf = (...keys: Record<string, unknown>[]): JwtKeys => ({
  algorithms: ASYMMETRIC,
  keyOf: createLocalJWKSet({ keys: keys as never }),
});

function open(settings: Partial<JwtSettings> = {}, keys: JwtKeys = keySetOf(signer.jwk)) {
  const clock = new TestClock();
  const backend = new JwtBackend(() => keys, { ...configSchema.parse({}).authentication.jwt, ...settings }, clock);
  const present = (password: string | undefined, clientId = 'c'): Promise<Verdict> => {
    const bytes = password === undefined ? undefined : Buffer.from(password);
    return backend.verify({ clientId, username: 'anything', password: bytes, address: '127.0.0.1' });
  };
  const now = clock.now() / 1000;
  const claim = async (claims: JWTPayload, clientId?: string) => present(await signer.sign(claims), clientId);
  return { present, claim, clock, now };
}

function refusal(verdict: Verdict): readonly [ReasonCode, string] {
  assert(verdict.type === 'refused', verdict.type);
  return [verdict.reasonCode, verdict.reason];
}
const { badUserNameOrPassword, notAuthorized } = ReasonCode;

describe('a token', () => {
  test('says who the client is; the user name of CONNECT does not', async () => {
    const verdict = await open().claim({ sub: 'alice' });
    assert.deepEqual(verdict, {
      type: 'allowed',
      identity: 'alice',
      cached: false,
      expiresAt: undefined,
      rules: undefined,
    });
  });

  test('may have its user name in another claim, and must have one', async () => {
    const { claim } = open({ userNameClaim: 'device' });
    const verdict = await claim({ sub: 'alice', device: 'meter-7' });
    assert.equal(verdict.type === 'allowed' && verdict.identity, 'meter-7');
    for (const claims of [{ sub: 'alice' }, { device: '' }, { device: 7 }])
      assert.deepEqual(refusal(await claim(claims)), [badUserNameOrPassword, 'the claim "device" holds no user name']);
  });

  test('is for one client only where a claim says which', async () => {
    const { claim } = open({ clientIdClaim: 'client' });
    assert.equal((await claim({ sub: 'alice', client: 'c' }, 'c')).type, 'allowed');
    for (const claims of [{ sub: 'alice' }, { sub: 'alice', client: 'other' }])
      assert.equal(refusal(await claim(claims, 'c'))[0], notAuthorized);
  });

  test('counts between nbf and exp, as far as clocks may differ', async () => {
    const { claim, now } = open({ clockToleranceSeconds: 30 });
    assert.equal((await claim({ sub: 'a', nbf: now + 29, exp: now - 29 })).type, 'allowed');
    assert.match(refusal(await claim({ sub: 'a', nbf: now + 40 }))[1], /nbf/);
    assert.match(refusal(await claim({ sub: 'a', exp: now - 40 }))[1], /exp/);
    const verdict = await claim({ sub: 'a', exp: now + 100 });
    assert.equal(verdict.type === 'allowed' && verdict.expiresAt, (now + 130) * 1000);
  });

  test('must come from the issuer and be for the audience that are configured', async () => {
    const { claim } = open({ issuer: 'us', audience: 'broker' });
    assert.equal((await claim({ sub: 'a', iss: 'us', aud: ['broker', 'x'] })).type, 'allowed');
    for (const claims of [{ iss: 'them', aud: 'broker' }, { iss: 'us', aud: 'x' }, { iss: 'us' }, { aud: 'broker' }])
      assert.equal(refusal(await claim({ sub: 'a', ...claims }))[0], badUserNameOrPassword);
  });

  test('brings rules that alone decide for the client, if they can work', async () => {
    const { claim } = open();
    const rule = { permission: 'allow', action: 'publish', topics: ['from/%c/#'] };
    const verdict = await claim({ sub: 'a', acl: [rule] });
    assert(verdict.type === 'allowed');
    const client = { clientId: 'c', username: 'a', address: '127.0.0.1' };
    assert.deepEqual(verdict.rules?.find(client, 'publish', 'from/c/x'), { allowed: true, rule: 'jwt.0' });
    assert.equal(verdict.rules?.find(client, 'subscribe', 'from/c/x'), undefined);
    for (const acl of [
      'all',
      {},
      null,
      [{ ...rule, topics: [] }],
      [{ ...rule, topics: ['a/#/b'] }],
      [{ ...rule, more: 1 }],
    ])
      assert.equal(refusal(await claim({ sub: 'a', acl }))[0], notAuthorized);
  });
});

describe('what is not believed', () => {
  test('a token of another key, and one that was changed', async () => {
    const { present } = open();
    assert.equal(
      refusal(await present(await jwtSigner('ES256').sign({ sub: 'a' })))[1],
      'signature verification failed',
    );
    const [header, , signature] = (await signer.sign({ sub: 'a' })).split('.');
    const forged = Buffer.from(JSON.stringify({ sub: 'admin' })).toString('base64url');
    assert.equal(refusal(await present(`${header}.${forged}.${signature}`))[0], badUserNameOrPassword);
  });

  test('an algorithm that the keys are not for: none, or an HMAC under the public key', async () => {
    const { present } = open();
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    assert.equal(refusal(await present(`${part({ alg: 'none' })}.${part({ sub: 'a' })}.`))[0], badUserNameOrPassword);
    const confused = await signWithSecret(signer.publicPem, { sub: 'a' });
    assert.match(refusal(await present(confused))[1], /alg/);
    const shared = open({}, { algorithms: ['HS256'], keyOf: () => Buffer.from(SECRET) });
    assert.equal((await shared.present(await signWithSecret(SECRET, { sub: 'a' }))).type, 'allowed');
    assert.equal((await shared.present(await signer.sign({ sub: 'a' }))).type, 'refused');
    assert.equal((await shared.present(await signWithSecret(SECRET, { sub: 'a' }, 'HS512'))).type, 'refused');
  });

  test('a password that is no token is for others to judge', async () => {
    const { present } = open();
    for (const password of [
      undefined,
      '',
      'secret',
      'a.b',
      'a.b.c',
      'a.b.c.d',
      `${Buffer.from('{}').toString('base64url')}.b.c`,
    ])
      assert.deepEqual(await present(password), { type: 'ignored' });
  });
});

describe('a key set', () => {
  const first = jwtSigner('ES256', 'first');
  const second = jwtSigner('ES256', 'second');

  test('has its keys named by tokens', async () => {
    const { present } = open({}, keySetOf(first.jwk, second.jwk));
    assert.equal((await present(await second.sign({ sub: 'a' }))).type, 'allowed');
    assert.equal((await present(await second.sign({ sub: 'a' }, { kid: 'first' }))).type, 'refused');
    assert.equal((await present(await second.sign({ sub: 'a' }, { kid: 'third' }))).type, 'refused');
  });

  test('has each key tried that may be meant by a token without a name', async () => {
    const { present } = open({}, keySetOf(first.jwk, second.jwk));
    assert.equal((await present(await second.sign({ sub: 'a' }, {}))).type, 'allowed');
    assert.equal((await present(await signer.sign({ sub: 'a' }, {}))).type, 'refused');
  });
});
