import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configSchema } from '../../config/schema.ts';
import { METRICS } from '../../telemetry/catalogue.ts';
import { counterId, Metrics } from '../../telemetry/metrics.ts';
import { TestClock } from '../testing/test-clock.ts';
import { LoginGuard } from './login-guard.ts';

function open(settings: Partial<ReturnType<typeof defaults>> = {}) {
  const clock = new TestClock();
  const metrics = new Metrics();
  const guard = new LoginGuard({ ...defaults(), ...settings }, metrics, clock);
  const failTimes = (count: number, name: string, address: string): void => {
    for (let time = 0; time < count; time += 1) guard.failed({ name, address });
  };
  return { clock, metrics, guard, failTimes };
}
const defaults = () => configSchema.parse({}).authentication;

describe('a login guard', () => {
  test('bans by the configured figures, for the configured time, loopback like any other address', () => {
    const { guard, clock, metrics, failTimes } = open({ maxFailures: 3, banSeconds: 60 });
    const alice = { name: 'alice', address: '127.0.0.1' };
    failTimes(2, 'alice', '127.0.0.1');
    assert.equal(guard.isBanned(alice), false);
    failTimes(1, 'alice', '127.0.0.1');
    assert.equal(guard.isBanned(alice), true);
    assert.equal(metrics.value(counterId(METRICS.authBansTotal, 'user')), 1);
    assert.equal(metrics.readGauge(METRICS.authBanned), 1);
    clock.advanceSeconds(60);
    assert.equal(guard.isBanned(alice), false);
    assert.equal(metrics.readGauge(METRICS.authBanned), 0);
  });

  test('counts an IPv6 network as one address, and an IPv4 address in either writing', () => {
    const { guard, failTimes } = open({ maxFailures: 2 });
    failTimes(1, 'alice', '2001:db8::1');
    failTimes(1, 'alice', '2001:db8::2');
    assert.equal(guard.isBanned({ name: 'alice', address: '2001:db8::3' }), true);
    failTimes(1, 'alice', '192.0.2.1');
    failTimes(1, 'alice', '::ffff:192.0.2.1');
    assert.equal(guard.isBanned({ name: 'alice', address: '192.0.2.1' }), true);
  });

  test('a success makes failures before it count for nothing', () => {
    const { guard, failTimes } = open({ maxFailures: 3 });
    failTimes(2, 'alice', '192.0.2.1');
    guard.succeeded({ name: 'alice', address: '192.0.2.1' });
    failTimes(2, 'alice', '192.0.2.1');
    assert.equal(guard.isBanned({ name: 'alice', address: '192.0.2.1' }), false);
  });

  test('lets refusals wait, a bounded number of them, and none when it is closed', async () => {
    const { guard, metrics } = open({ failureDelayMs: 60_000 });
    const waiting = Array.from({ length: 4096 }, () => guard.delay());
    await guard.delay();
    assert.equal(metrics.value(counterId(METRICS.limitsHitTotal, 'delayed_refusals')), 1);
    guard.close();
    await Promise.all(waiting);
    await guard.delay();
  });
});
