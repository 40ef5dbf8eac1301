import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { TestClock } from '../testing/test-clock.ts';
import {
  type AuthenticationBackend,
  type AuthenticationMethod,
  type AuthOutcome,
  type Credentials,
  createAuthenticator,
  elsewhere,
  type Verdict,
} from './authenticator.ts';
import { certificateBackend } from './certificate-backend.ts';

const NOBODY = { clientId: 'c', username: undefined, password: undefined, address: '127.0.0.1' };
const ALICE = { ...NOBODY, username: 'alice', password: Buffer.from('a') };
const YES: Verdict = { type: 'allowed', identity: 'alice', cached: false };
const NO: Verdict = { type: 'refused', reasonCode: ReasonCode.badUserNameOrPassword, reason: 'no' };
const NOT_MINE: Verdict = { type: 'ignored' };
const DOWN: Verdict = { type: 'unavailable', reasonCode: ReasonCode.serverUnavailable, reason: 'down' };

const saying = (method: AuthenticationMethod, verdict: Verdict): AuthenticationBackend => ({
  method,
  verify: async () => verdict,
});

/** What a chain of a token's and a password's authenticator, each with its verdict, comes to. */
const outcomeOf = (
  jwt: Verdict,
  password: Verdict,
  credentials: Credentials = ALICE,
  allowAnonymous = false,
): Promise<AuthOutcome> =>
  createAuthenticator([saying('jwt', jwt), saying('password', password)], allowAnonymous, new TestClock()).authenticate(
    credentials,
  );
const asked = ({ steps }: AuthOutcome): string[] => steps.map(({ method }) => method);

describe('a chain of authenticators', () => {
  test('the first that does not ignore the client decides, and nobody is asked after it', async () => {
    for (const [jwt, password, type, method] of [
      [YES, NO, 'allowed', 'jwt'],
      [NO, YES, 'refused', 'jwt'],
      [DOWN, YES, 'unavailable', 'jwt'],
      [NOT_MINE, YES, 'allowed', 'password'],
      [NOT_MINE, NO, 'refused', 'password'],
      [NOT_MINE, DOWN, 'unavailable', 'password'],
    ] as const) {
      const outcome = await outcomeOf(jwt, password);
      assert.equal(outcome.type, type);
      assert.equal(outcome.method, method);
      assert.deepEqual(asked(outcome), method === 'jwt' ? ['jwt'] : ['jwt', 'password']);
    }
  });

  test('whom all ignore is a stranger without credentials, and with them one who claims what nobody confirms', async () => {
    const stranger = await outcomeOf(NOT_MINE, NOT_MINE, NOBODY, true);
    assert.equal(stranger.type === 'allowed' && stranger.identity, undefined);
    assert.equal(stranger.method, 'anonymous');
    const unwelcome = await outcomeOf(NOT_MINE, NOT_MINE, NOBODY, false);
    assert.equal(unwelcome.type === 'refused' && unwelcome.reasonCode, ReasonCode.notAuthorized);
    assert.equal(unwelcome.type === 'refused' && unwelcome.wasAttempt, false);
    for (const allowAnonymous of [true, false]) {
      const liar = await outcomeOf(NOT_MINE, NOT_MINE, ALICE, allowAnonymous);
      assert.equal(liar.type === 'refused' && liar.reasonCode, ReasonCode.badUserNameOrPassword);
      assert.equal(liar.type === 'refused' && liar.wasAttempt, true);
      assert.equal(liar.method, 'none');
    }
  });

  test('half credentials are credentials', async () => {
    for (const half of [
      { ...ALICE, password: undefined },
      { ...ALICE, username: undefined },
    ])
      assert.equal((await outcomeOf(NOT_MINE, NOT_MINE, half, true)).type, 'refused');
  });

  test('says when each was asked and had answered', async () => {
    const clock = new TestClock();
    const slow: AuthenticationBackend = {
      method: 'jwt',
      async verify() {
        clock.advanceSeconds(2);
        return YES;
      },
    };
    const [step] = (await createAuthenticator([slow], false, clock).authenticate(ALICE)).steps;
    assert.equal(step!.endedAt - step!.startedAt, 2000);
  });

  test('without authenticators a claimed name proves nothing', async () => {
    const open = await createAuthenticator([], true, new TestClock()).authenticate(ALICE);
    assert.deepEqual(open, { type: 'allowed', identity: undefined, method: 'anonymous', cached: false, steps: [] });
    assert.equal((await createAuthenticator([], false, new TestClock()).authenticate(ALICE)).type, 'refused');
  });

  test('where clients prove themselves by AUTH packets, credentials that nobody knows are refused all the same', async () => {
    const onlyScram = createAuthenticator([elsewhere('scram')], true, new TestClock());
    assert.equal((await onlyScram.authenticate(ALICE)).type, 'refused');
    assert.equal((await onlyScram.authenticate(NOBODY)).type, 'allowed');
  });
});

test('a verified client certificate says who the client is, whatever CONNECT claims', async () => {
  const withCertificate = { ...ALICE, certificateIdentity: 'meter-7' };
  assert.deepEqual(await certificateBackend.verify(withCertificate), {
    type: 'allowed',
    identity: 'meter-7',
    cached: false,
  });
  assert.deepEqual(await certificateBackend.verify(ALICE), NOT_MINE);
});
