import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GroupRecovery } from './recover-groups.ts';

const GROUP = 9;
const SHARD = 1;
const [LIVING, ENDED] = [1, 2];
const isAlive = (session: number): boolean => session === LIVING;

describe('what is recovered of a shared group', () => {
  it('goes on behind the last message that was given to a member, and never back behind its checkpoint', () => {
    const groups = new GroupRecovery();
    groups.sent(LIVING, 1, 2, SHARD, 40, GROUP);
    groups.sent(ENDED, 1, 1, SHARD, 41, GROUP);
    assert.equal(groups.positionOf(GROUP, SHARD, 30), 42);
    assert.equal(groups.positionOf(GROUP, SHARD, 50), 50);
    assert.equal(groups.positionOf(GROUP, SHARD + 1, 30), 30);
    assert.equal(groups.positionOf(GROUP + 1, SHARD, 30), 30);
  });

  it('gets back what a session had not acknowledged when it ended [MQTT-4.8.2-4]', () => {
    const groups = new GroupRecovery();
    groups.sent(ENDED, 1, 1, SHARD, 40, GROUP);
    groups.sent(ENDED, 2, 1, SHARD, 41, GROUP);
    groups.sent(LIVING, 1, 1, SHARD, 42, GROUP);
    groups.acknowledged(ENDED, 1);
    assert.deepEqual(groups.returnedOf(GROUP, [], isAlive), [[SHARD, 41]]);
  });

  it('does not get back a QoS 2 message that was on its way [MQTT-4.8.2-5]', () => {
    const groups = new GroupRecovery();
    groups.sent(ENDED, 1, 2, SHARD, 40, GROUP);
    assert.deepEqual(groups.returnedOf(GROUP, [], isAlive), []);
  });

  it('does not give again what came back to it before its checkpoint and was given since', () => {
    const groups = new GroupRecovery();
    groups.sent(LIVING, 1, 1, SHARD, 40, GROUP);
    const checkpointed = [
      [SHARD, 39],
      [SHARD, 40],
    ] as const;
    assert.deepEqual(groups.returnedOf(GROUP, checkpointed, isAlive), [[SHARD, 39]]);
  });

  it('gives what came back twice to its last member alone', () => {
    const groups = new GroupRecovery();
    groups.sent(ENDED, 1, 1, SHARD, 40, GROUP);
    groups.sent(LIVING, 1, 1, SHARD, 40, GROUP);
    assert.deepEqual(groups.returnedOf(GROUP, [], isAlive), []);
  });
});
