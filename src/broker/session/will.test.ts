import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NEVER_EXPIRES_SECONDS } from './expiry.ts';
import { delayedWillAtConnect, willAtConnectionEnd } from './will.ts';

const now = 100_000;
const lost = { type: 'lost' } as const;

describe('will', () => {
  it('is discarded by DISCONNECT with reason code 0 [MQTT-3.14.4-3] [MQTT-3.1.2-10]', () => {
    const end = { type: 'disconnected', reasonCode: 0 } as const;
    assert.deepEqual(willAtConnectionEnd(end, 0, 60, now), { type: 'discard' });
    assert.deepEqual(willAtConnectionEnd(end, 30, 60, now), { type: 'discard' });
  });

  it('is published after DISCONNECT with any other reason code, 0x04 for instance', () => {
    for (const reasonCode of [0x04, 0x80])
      assert.deepEqual(willAtConnectionEnd({ type: 'disconnected', reasonCode }, 0, 60, now), { type: 'publish' });
  });

  it('is published at once when the connection is lost and there is no delay [MQTT-3.1.2-8]', () => {
    assert.deepEqual(willAtConnectionEnd(lost, 0, 60, now), { type: 'publish' });
  });

  it('waits for its delay or the end of the session, whichever is first [MQTT-3.1.2-8]', () => {
    assert.deepEqual(willAtConnectionEnd(lost, 30, 60, now), { type: 'delay', dueAt: now + 30_000 });
    assert.deepEqual(willAtConnectionEnd(lost, 60, 30, now), { type: 'delay', dueAt: now + 30_000 });
    assert.deepEqual(willAtConnectionEnd(lost, 60, NEVER_EXPIRES_SECONDS, now), { type: 'delay', dueAt: now + 60_000 });
    assert.deepEqual(willAtConnectionEnd(lost, 60, 0, now), { type: 'publish' });
  });

  it('with a delay is not published when another connection goes on with the session [MQTT-3.1.3-9]', () => {
    assert.deepEqual(willAtConnectionEnd({ type: 'taken_over', sessionContinues: true }, 30, 60, now), {
      type: 'discard',
    });
    assert.deepEqual(willAtConnectionEnd({ type: 'taken_over', sessionContinues: true }, 0, 60, now), {
      type: 'publish',
    });
    assert.deepEqual(delayedWillAtConnect(true), { type: 'discard' });
  });

  it('with a delay is published when a clean start ends the session', () => {
    assert.deepEqual(willAtConnectionEnd({ type: 'taken_over', sessionContinues: false }, 30, 60, now), {
      type: 'publish',
    });
    assert.deepEqual(delayedWillAtConnect(false), { type: 'publish' });
  });
});
