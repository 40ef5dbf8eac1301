import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testTelemetry } from '../telemetry/testing/test-telemetry.ts';
import type { CloseReason } from './connection/close-reason.ts';
import { Drain, type DrainOptions } from './drain.ts';
import { TestClock } from './testing/test-clock.ts';

/** A drain whose time the test has: its own timer finds nothing to do. */
function open(clients: number, options: DrainOptions) {
  const clock = new TestClock();
  const telemetry = testTelemetry();
  const reasons: CloseReason[] = [];
  const crowd = {
    connectedCount: clients,
    sendAway(limit: number, reason: CloseReason): number {
      const gone = Math.min(limit, this.connectedCount);
      this.connectedCount -= gone;
      reasons.push(reason);
      return gone;
    },
  };
  const drain = new Drain(() => crowd, clock, telemetry.log);
  drain.start(options);
  const begun = clock.now();
  return {
    drain,
    crowd,
    reasons,
    telemetry,
    at: (ms: number) => drain.step(begun + ms),
    [Symbol.dispose]: () => drain.stop(),
  };
}

describe('a drain', () => {
  it('sends so many away a second and no more, however it is called', () => {
    using scene = open(1000, { ratePerSecond: 100 });
    scene.at(0);
    assert.equal(scene.crowd.connectedCount, 1000);
    scene.at(50);
    scene.at(100);
    assert.equal(scene.crowd.connectedCount, 990);
    for (let ms = 101; ms <= 1000; ms += 7) scene.at(ms);
    scene.at(1000);
    assert.equal(scene.crowd.connectedCount, 900);
    scene.at(20_000);
    assert.equal(scene.crowd.connectedCount, 0);
  });

  it('can be slower than one a second', () => {
    using scene = open(3, { ratePerSecond: 0.5 });
    scene.at(1999);
    assert.equal(scene.crowd.connectedCount, 3);
    scene.at(2000);
    assert.equal(scene.crowd.connectedCount, 2);
  });

  it('says where to go, and how far it is', () => {
    using scene = open(3, { ratePerSecond: 1, serverReference: 'mq2:1883' });
    scene.at(1000);
    assert.equal(scene.reasons[0]?.serverReference, 'mq2:1883');
    const { status } = scene.drain;
    assert.ok(status.type === 'draining');
    assert.deepEqual([status.clientsLeft, status.serverReference, status.ratePerSecond], [2, 'mq2:1883', 1]);
  });

  it('tells once when nobody is connected any more, and when it is over', () => {
    using scene = open(1, { ratePerSecond: 10 });
    for (const ms of [1000, 2000, 3000]) scene.at(ms);
    scene.drain.stop();
    scene.drain.stop();
    assert.deepEqual(scene.drain.status, { type: 'off' });
    const events = scene.telemetry.logLines.map(({ event }) => event);
    assert.deepEqual(events, ['drain.started', 'drain.done', 'drain.stopped']);
    scene.crowd.connectedCount = 5;
    scene.at(10_000);
    assert.equal(scene.crowd.connectedCount, 5, 'nobody is sent away any more');
  });

  it('goes on with what it is told last', () => {
    using scene = open(100, { ratePerSecond: 1, serverReference: 'old' });
    scene.at(1000);
    scene.drain.start({ ratePerSecond: 10 });
    assert.deepEqual([scene.drain.active?.ratePerSecond, scene.drain.active?.serverReference], [10, undefined]);
    scene.at(1000);
    assert.equal(scene.crowd.connectedCount, 89);
    assert.equal(scene.reasons.at(-1)?.serverReference, undefined);
  });
});
