import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { recordPublish, startTestAdmin, type TestAdmin } from '../admin/testing/test-admin.ts';
import { systemClock } from '../base/clock.ts';
import { MemoryPlacement } from '../placement/engines/memory/memory-placement.ts';
import { TraceWatches } from '../placement/trace-watches.ts';
import type { WatchRule } from '../telemetry/sampling/watch-rules.ts';
import { CommandWorld } from './testing/run-command.ts';

let watches: TraceWatches;
let admin: TestAdmin;
let made = 0;
before(async () => {
  const newId = (): string => {
    made += 1;
    return `w${made}`;
  };
  const onFailure = (error: Error): void => assert.ifError(error);
  watches = await TraceWatches.open(new MemoryPlacement(), { clock: systemClock, newId, onFailure });
  admin = await startTestAdmin(watches, (counts) => void watches.addKept(counts));
  watches.onChange((rules) => admin.exporter.watch(rules));
});
after(async () => {
  await admin.close();
  await watches.close();
});

/** Runs `robustmq trace watch …` beside the test. */
function start(...args: readonly string[]) {
  const world = new CommandWorld();
  return { world, exitCode: world.run('trace', 'watch', '--url', admin.url, ...args) };
}

async function run(...args: readonly string[]) {
  const { world, exitCode } = start(...args);
  return { exitCode: await exitCode, stdout: world.stdout.text, stderr: world.stderr.text };
}

/** The one rule, once it is set. */
async function rule(): Promise<WatchRule> {
  for (;;) {
    const [first] = watches.rules;
    if (first !== undefined) return first;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Records traces again and again until the command has ended: it may not listen yet when the first one comes. */
async function whileRecording(exitCode: Promise<number>, ...traces: Parameters<typeof recordPublish>[1][]) {
  const ticking = setInterval(() => {
    for (const trace of traces) recordPublish(admin.telemetry, trace);
  }, 20);
  return exitCode.finally(() => clearInterval(ticking));
}

describe('trace watch', () => {
  it('sets a rule, prints what it is for, and takes it away at its limit', async () => {
    const { world, exitCode } = start('--client', 'meter-*', '--topic', 'a/#', '--for', '2m', '--limit', '2', '--json');
    const { id, expiresAt, ...set } = await rule();
    assert.deepEqual(set, { clientId: 'meter-*', topic: 'a/#', limit: 2, kept: 0 });
    assert.ok(Math.abs(expiresAt - systemClock.now() - 120_000) < 30_000);
    const wanted = { clientId: 'meter-7', topic: 'a/b' };
    assert.equal(await whileRecording(exitCode, { topic: 'a/b', clientId: 'other' }, wanted), 0);
    const lines = world.stdout.text.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) assert.equal(JSON.parse(line).spans[0].attributes['mqtt.client_id'], 'meter-7');
    assert.deepEqual(watches.rules, []);
  });

  it('ends with Ctrl-C, and takes the rule away', async () => {
    const { world, exitCode } = start('--error', '--min-duration', '5', '--address', '10.0.0.0/8');
    const { id: _, expiresAt: __, ...set } = await rule();
    assert.deepEqual(set, { errorsOnly: true, minDurationMs: 5, address: '10.0.0.0/8', limit: 1000, kept: 0 });
    while (world.signals.listenerCount('SIGINT') === 0) await new Promise((resolve) => setImmediate(resolve));
    world.signals.emit('SIGINT');
    assert.equal(await exitCode, 0);
    assert.match(
      world.stdout.text,
      /^Watching address 10\.0\.0\.0\/8, at least 5 ms, errors only, until .* or 1000 traces; Ctrl-C/,
    );
    assert.deepEqual(watches.rules, []);
    assert.equal(world.signals.listenerCount('SIGINT'), 0);
  });

  it('ends when the rule does', async () => {
    const { exitCode } = start('--client', 'meter');
    await watches.addKept([{ id: (await rule()).id, traces: 1000 }]);
    assert.equal(await exitCode, 0);
  });

  it('leaves the rule to the broker with --detach, lists it and removes it', async () => {
    assert.equal((await run('--list')).stdout, 'Nothing is watched.\n');
    const { stdout } = await run('--user', 'alice', '--for', '1h', '--detach');
    const { id } = await rule();
    assert.match(
      stdout,
      new RegExp(`^Watching user alice, until .* or 1000 traces; robustmq trace watch --remove ${id} ends it`),
    );
    await watches.addKept([{ id, traces: 3 }]);
    assert.match((await run('--list')).stdout, new RegExp(`^${id}  3 kept  user alice, until `));
    assert.equal(JSON.parse((await run('--list', '--json')).stdout).kept, 3);
    assert.equal((await run('--remove', id)).stdout, 'No longer watched.\n');
    assert.deepEqual(watches.rules, []);
    const again = await run('--remove', id);
    assert.deepEqual([again.exitCode, again.stdout], [1, '']);
    assert.match(again.stderr, /answered 404: no such watch/);
  });

  it('refuses what makes no sense, in a sentence', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--for', 'ever'], /Expected a time such as 30s, 10m or 2h/],
      [['--limit', '0'], /Expected a whole number above 0/],
      [['--topic', 'a/#/b'], /--topic a\/#\/b: expected an MQTT topic filter/],
      [['--address', '10.0.0'], /--address 10\.0\.0: expected an IP address or a CIDR block/],
      [['--client', ''], /--client : must not be empty/],
      [['--for', '30d'], /--for <time>' argument '30d' is invalid\. Expected at most 7d/],
      [['--for', '0.5s'], /--for <time>' argument '0\.5s' is invalid\. Expected at least 1s/],
      [['--limit', '1000001'], /--limit <count>' argument '1000001' is invalid\. Expected at most 1000000/],
    ];
    for (const [args, message] of cases) {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 64, args.join(' '));
      assert.doesNotMatch(stderr, /Seconds|clientId|Too (big|small)/);
      assert.match(stderr, message);
    }
    assert.deepEqual(watches.rules, []);
  });

  it('says that no broker answers', async () => {
    const gone = await startTestAdmin();
    await gone.close();
    const world = new CommandWorld();
    assert.equal(await world.run('trace', 'watch', '--url', gone.url), 69);
    assert.match(world.stderr.text, /No broker answers at/);
  });
});
