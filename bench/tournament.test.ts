import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aedes } from './brokers/aedes.ts';
import { robustmq } from './brokers/robustmq.ts';
import { startCollectors } from './collectors/start-collectors.ts';
import { contestants } from './contestants.ts';
import { pairs } from './load/topology.ts';
import { connects } from './scenarios/connects.ts';
import { idleConnections } from './scenarios/idle-connections.ts';
import { messageScenario } from './scenarios/messages.ts';
import { play } from './tournament.ts';

const start = { pinned: false, samplingRate: 1 };
const timing = { warmupMs: 50, measureMs: 200 };

describe('a tournament', () => {
  const pingPong = messageScenario('ping-pong', 'one pair', {
    topology: pairs('a', 1),
    qos: 1,
    window: 1,
    payloadBytes: 16,
  });

  it('measures every scenario on a real broker, round after round', async () => {
    const told: string[] = [];
    const scenarios = [pingPong, connects, idleConnections(50)];
    const entries = await play({
      scenarios,
      contestants: contestants([aedes], []),
      rounds: 2,
      timing,
      start,
      onRun: (run) => told.push(run),
    });
    assert.deepEqual(
      entries.map(({ scenario, runs, failures }) => [scenario, runs.length, failures]),
      [
        ['ping-pong', 2, []],
        ['connects', 2, []],
        ['idle-connections', 2, []],
      ],
    );
    assert.equal(told.length, 6);
    for (const run of entries.flatMap(({ runs }) => runs)) {
      assert(run.operations > 0 && run.elapsedMs > 0 && run.p50Ms! > 0 && run.residentBytes > 0);
    }
  });

  it('goes on when a broker fails, and says why', async () => {
    const broken = {
      name: 'broken',
      exportsTraces: false,
      version: () => '1',
      start: () => Promise.reject(new Error('will not start')),
    };
    const entries = await play({
      scenarios: [pingPong],
      contestants: contestants([broken, aedes], []),
      rounds: 1,
      timing,
      start,
      onRun() {},
    });
    assert.deepEqual(
      entries.map(({ broker, runs, failures }) => [broker, runs.length, failures]),
      [
        ['broken', 0, ['will not start']],
        ['aedes', 1, []],
      ],
    );
  });

  it('accounts for every span of a broker that exports all, also when its collector was away', async (context) => {
    const collectors = await startCollectors(['sink', 'dead']);
    context.after(() => collectors.stop());
    const entries = await play({
      scenarios: [pingPong],
      contestants: contestants([robustmq], collectors.all),
      rounds: 1,
      timing,
      start,
      onRun() {},
    });
    assert.deepEqual(
      entries.map(({ broker, failures }) => [broker, failures]),
      [
        ['robustmq', []],
        ['robustmq (collector dead)', []],
      ],
    );
    for (const { spans, published } of entries.flatMap(({ runs }) => runs)) {
      assert(spans !== undefined && spans.started > published!);
      assert.deepEqual([spans.exported, spans.received], [spans.started, spans.started]);
      assert.deepEqual([spans.imbalance, spans.undecided, spans.left, spans.dropped], [0, 0, 0, {}]);
    }
  });
});
