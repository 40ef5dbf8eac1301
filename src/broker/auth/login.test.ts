import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configSchema } from '../../config/schema.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { METRICS, SPANS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { testTelemetry } from '../../telemetry/testing/test-telemetry.ts';
import { TestClock } from '../testing/test-clock.ts';
import { createAuthenticator, elsewhere, type Verdict } from './authenticator.ts';
import { Login } from './login.ts';
import { LoginGuard } from './login-guard.ts';

const ALICE = { clientId: 'c', username: 'alice', password: Buffer.from('a'), address: '192.0.2.1' };

/** A login by SCRAM, which has nothing to say here, and by password, right or wrong as the test says. */
function open(maxFailures = 3) {
  const telemetry = testTelemetry();
  const { recorder, metrics } = telemetry;
  const clock = new TestClock();
  const settings = { ...configSchema.parse({}).authentication, failureDelayMs: 0, maxFailures };
  const guard = new LoginGuard(settings, metrics, clock);
  const questions: ((verdict: Verdict) => void)[] = [];
  const password = {
    method: 'password',
    verify: () => new Promise<Verdict>((answer) => questions.push(answer)),
  } as const;
  const authenticators = new Map([['default', createAuthenticator([elsewhere('scram'), password], false, clock)]]);
  const login = new Login({ authenticators, guard, recorder, metrics, clock });
  const span = recorder.root(SPANS.mqttConnect, clock.now());
  const begin = () => login.authenticate('default', ALICE, span);
  const attempt = async (isRight: boolean) => {
    const outcome = begin();
    await undefined;
    questions.pop()?.(isRight ? YES : NO);
    return (await outcome).type;
  };
  const attributesOf = (name: string): Record<string, unknown>[] =>
    telemetry.spans
      .filter(({ definition }) => definition.name === name)
      .map(({ attributes }) => Object.fromEntries(attributes.map(({ definition, value }) => [definition.key, value])));
  return { login, guard, metrics, span, questions, begin, attempt, attributesOf };
}
const YES: Verdict = { type: 'allowed', identity: 'alice', cached: false };
const NO: Verdict = { type: 'refused', reasonCode: ReasonCode.badUserNameOrPassword, reason: 'not the password' };

describe('a login', () => {
  test('shows in the trace who was asked, what each said, and who decided', async () => {
    const { attempt, attributesOf } = open();
    await attempt(true);
    assert.deepEqual(attributesOf('auth/validate'), [
      {
        'robustmq.auth.method': 'password',
        'robustmq.auth.chain': ['scram', 'password'],
        'robustmq.auth.cached': false,
      },
    ]);
    assert.deepEqual(attributesOf('auth/backend'), [
      { 'robustmq.auth.method': 'scram', 'robustmq.auth.verdict': 'ignored' },
      { 'robustmq.auth.method': 'password', 'robustmq.auth.verdict': 'allowed' },
    ]);
  });

  test('shows a refusal with its reason, which the client does not learn', async () => {
    const { attempt, attributesOf } = open();
    assert.equal(await attempt(false), 'refused');
    const [validate] = attributesOf('auth/validate');
    assert.equal(validate?.['error.type'], 'refused');
    assert.equal(validate?.['error.message'], 'not the password');
  });

  test('that failed too often is refused without asking anybody, and the trace says why', async () => {
    const { attempt, questions, metrics, attributesOf } = open(3);
    for (let time = 0; time < 3; time += 1) assert.equal(await attempt(false), 'refused');
    assert.equal(await attempt(true), 'banned');
    assert.equal(questions.length, 0);
    assert.equal(attributesOf('auth/validate').at(-1)?.['error.type'], 'banned');
    assert.equal(metrics.value(counterId(METRICS.loginsRefusedTotal, 'banned')), 1);
    assert.equal(metrics.value(counterId(METRICS.loginsRefusedTotal, 'password')), 3);
  });

  test('that succeeds makes earlier failures count for nothing', async () => {
    const { attempt, metrics } = open(3);
    for (const isRight of [false, false, true, false, false]) await attempt(isRight);
    assert.equal(await attempt(true), 'allowed');
    assert.equal(metrics.value(counterId(METRICS.loginsTotal, 'password')), 2);
  });

  test('guessed many times at once tells no more than one by one', async () => {
    const { begin, questions } = open(3);
    const outcomes = Array.from({ length: 5 }, begin);
    await undefined;
    for (const [index, answer] of questions.entries()) answer(index === 4 ? YES : NO);
    const types = (await Promise.all(outcomes)).map(({ type }) => type);
    assert.deepEqual(types, ['refused', 'refused', 'refused', 'banned', 'banned']);
  });
});

describe('an exchange of AUTH packets', () => {
  test('is counted and banned by whom the client claimed to be in it', async () => {
    const { login, span, metrics } = open(2);
    const fail = async () => ({ type: 'refused', claimed: 'bob' }) as const;
    const succeed = async () => ({ type: 'allowed', identity: 'bob' }) as const;
    type Exchanged = Awaited<ReturnType<typeof fail | typeof succeed>>;
    const attempt = async (run: () => Promise<Exchanged>) => (await login.exchange('scram', ALICE, span, run)).type;
    assert.equal(await attempt(fail), 'refused');
    assert.equal(await attempt(succeed), 'allowed');
    assert.equal(await attempt(fail), 'refused');
    assert.equal(await attempt(fail), 'refused');
    assert.equal(await attempt(succeed), 'banned');
    assert.equal(metrics.value(counterId(METRICS.loginsTotal, 'scram')), 1);
    assert.equal(metrics.value(counterId(METRICS.loginsRefusedTotal, 'scram')), 3);
  });

  test('that broke off names nobody, and nobody is banned for it', async () => {
    const { login, span, metrics } = open(1);
    const broken = async () => ({ type: 'refused' }) as const;
    for (let time = 0; time < 3; time += 1)
      assert.equal((await login.exchange('scram', ALICE, span, broken)).type, 'refused');
    assert.equal(metrics.value(counterId(METRICS.loginsRefusedTotal, 'none')), 3);
  });
});
