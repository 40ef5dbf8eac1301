import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { jwtVerify } from 'jose';
import { TestClock } from '../testing/test-clock.ts';
import { RemoteKeySet } from './remote-key-set.ts';
import { jwtSigner } from './testing/jwt-signer.ts';
import { KeyServer } from './testing/key-server.ts';

const first = jwtSigner('ES256', 'first');
const second = jwtSigner('ES256', 'second');
const server = await KeyServer.start();
after(() => server[Symbol.asyncDispose]());

function open(...keys: Record<string, unknown>[]) {
  server.answer({ keys });
  const clock = new TestClock();
  const failures: Error[] = [];
  const set = new RemoteKeySet(server.url, 300_000, clock, (error) => failures.push(error));
  const verify = async (token: string): Promise<string> => {
    try {
      await jwtVerify(token, set.keyOf);
      return 'verified';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { set, clock, failures, verify };
}

describe('the key set of a URL', () => {
  test('is fetched once for all that want it at first, and again when it is old', async () => {
    const { verify, clock } = open(first.jwk);
    const token = await first.sign({});
    assert.deepEqual(await Promise.all([verify(token), verify(token)]), ['verified', 'verified']);
    assert.equal(server.requests, 1);
    clock.advanceSeconds(299);
    await verify(token);
    assert.equal(server.requests, 1);
    clock.advanceSeconds(1);
    await verify(token);
    assert.equal(server.requests, 2);
  });

  test('is fetched for a key it does not hold, but not for every token that names one', async () => {
    const { verify, clock } = open(first.jwk);
    await verify(await first.sign({}));
    server.answer({ keys: [first.jwk, second.jwk] });
    const token = await second.sign({});
    assert.equal(await verify(token), 'ERR_JWKS_NO_MATCHING_KEY');
    assert.equal(server.requests, 0);
    clock.advanceSeconds(10);
    assert.equal(await verify(token), 'verified');
    assert.equal(await verify(await jwtSigner('ES256', 'third').sign({})), 'ERR_JWKS_NO_MATCHING_KEY');
    assert.equal(server.requests, 1);
  });

  test('goes on as it was while it cannot be fetched; that is told once, and not tried for every token', async () => {
    const { verify, clock, failures } = open(first.jwk);
    const token = await first.sign({});
    await verify(token);
    server.fail();
    clock.advanceSeconds(300);
    for (let time = 0; time < 3; time += 1) assert.equal(await verify(token), 'verified');
    assert.equal(server.requests, 1);
    clock.advanceSeconds(10);
    await verify(token);
    assert.equal(server.requests, 2);
    assert.equal(failures.length, 1);
    server.answer({ keys: [second.jwk] });
    clock.advanceSeconds(10);
    assert.equal(await verify(token), 'ERR_JWKS_NO_MATCHING_KEY', 'a key that was withdrawn counts no more');
  });

  test('is unavailable where it never could be fetched, or is no key set, or has no end', async () => {
    const token = await first.sign({});
    for (const answer of [undefined, { keys: 'none' }, { keys: [], padding: 'x'.repeat(1024 * 1024) }]) {
      const { verify, clock } = open();
      if (answer === undefined) server.fail();
      else server.answer(answer);
      assert.equal(await verify(token), 'key_set_unavailable');
      server.answer({ keys: [first.jwk] });
      clock.advanceSeconds(10);
      assert.equal(await verify(token), 'verified');
    }
  });

  test('is fetched again at the next token when that is asked for', async () => {
    const { verify, set } = open(first.jwk);
    await verify(await first.sign({}));
    server.answer({ keys: [second.jwk] });
    set.expire();
    assert.equal(await verify(await second.sign({})), 'verified');
  });

  test('is waited for no longer than the broker runs', async () => {
    const { verify, set, failures } = open();
    server.hang();
    const waiting = verify(await first.sign({}));
    await server.asked();
    set.close();
    assert.equal(await waiting, 'key_set_unavailable');
    assert.deepEqual(failures, []);
  });
});
