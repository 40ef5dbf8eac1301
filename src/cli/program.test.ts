import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../config/load-config.ts';
import { OtlpVariableError } from '../telemetry/export/otlp-variables.ts';
import { CommandWorld } from './testing/run-command.ts';

const folder = await mkdtemp(join(tmpdir(), 'robustmq-cli-'));

describe('every command', () => {
  const commands = ['start', 'trace tail', 'trace show', 'passwd', 'config check', 'config show', 'version'];
  for (const command of commands)
    test(`${command} has help with an example`, async () => {
      const world = new CommandWorld();
      assert.equal(await world.run(...command.split(' '), '--help'), 0);
      assert.match(world.stdout.text, new RegExp(`^Usage: robustmq ${command}`));
      assert.match(world.stdout.text, /Examples?:\n.*robustmq/s);
    });

  test('wrong usage is told on standard error and exits 64', async () => {
    for (const parameters of [['bogus'], ['passwd'], ['start', '--bogus'], ['start', 'extra']]) {
      const world = new CommandWorld();
      assert.equal(await world.run(...parameters), 64, parameters.join(' '));
      assert.match(world.stderr.text, /^error: /);
      assert.equal(world.stdout.text, '');
    }
  });
});

test('version names the program and the Node that runs it', async () => {
  const world = new CommandWorld();
  assert.equal(await world.run('version'), 0);
  assert.match(world.stdout.text, /^robustmq \d+\.\d+\.\d+ \(node 2\d\./);
});

describe('config', () => {
  test('check refuses a way to the collector that start would refuse', async () => {
    const world = new CommandWorld();
    world.checkTelemetry = () => Promise.reject(new OtlpVariableError('bad_value', 'a variable is wrong'));
    assert.equal(await world.run('config', 'check'), 78);
    assert.match(world.stderr.text, /a variable is wrong/);
  });

  test('check accepts what start would accept', async () => {
    const world = new CommandWorld();
    assert.equal(
      await world.run('config', 'check', '--set', 'mqtt.max_qos=1', '--set', 'roles=journal,broker,placement'),
      0,
    );
    assert.match(world.stdout.text, /^The configuration is valid: journal, broker, placement; 1 listeners/);
  });

  test('check tells all problems and exits 78', async () => {
    const world = new CommandWorld();
    world.environment.ROBUSTMQ_MQTT__MAX_QOS = '9';
    assert.equal(await world.run('config', 'check', '--listen', 'here', '--log-level', 'loud'), 78);
    for (const problem of [/ROBUSTMQ_MQTT__MAX_QOS/, /--listen here/, /log\.level = "loud" \(--log-level\)/])
      assert.match(world.stderr.text, problem);
    assert.equal(world.stdout.text, '');
  });

  test('check looks into the access rules and the password file', async () => {
    const passwords = join(folder, 'malformed');
    await writeFile(passwords, 'alice:plain\n');
    const rule = 'authorization.rules=[{permission="allow", action="all", topics=["a/#/b"]}]';
    for (const [setting, sentence] of [
      [rule, /"a\/#\/b" is no topic filter/],
      [`authentication.password_file=${passwords}`, /malformed:1: /],
      [`authentication.password_file=${join(folder, 'absent')}`, /the password file .*absent cannot be read/],
      [`authentication.scram_file=${passwords}`, /malformed:1: no credential of SCRAM/],
    ] as const) {
      const world = new CommandWorld();
      assert.equal(await world.run('config', 'check', '--set', setting), 78);
      assert.match(world.stderr.text, sentence);
    }
  });

  test('the file may be named by ROBUSTMQ_CONFIG', async () => {
    const world = new CommandWorld();
    const file = join(folder, 'named.toml');
    await writeFile(file, 'mqtt.max_qos = 9');
    world.environment.ROBUSTMQ_CONFIG = file;
    assert.equal(await world.run('config', 'check'), 78);
    assert.match(world.stderr.text, /named\.toml/);
  });

  test('show prints TOML that means the same, without credentials', async () => {
    const world = new CommandWorld();
    const flags = { set: ['node.id=n7', 'telemetry.exporter_endpoint=http://me:hunter2@collector:4318'] };
    assert.equal(await world.run('config', 'show', ...flags.set.flatMap((setting) => ['--set', setting])), 0);
    assert.doesNotMatch(world.stdout.text, /hunter2/);
    const file = join(folder, 'shown.toml');
    await writeFile(file, world.stdout.text.replace('***', 'me:hunter2'));
    assert.deepEqual(loadConfig({ file, environment: {} }), loadConfig({ environment: {}, flags }));
  });

  test('example prints a file that check accepts', async () => {
    const world = new CommandWorld();
    assert.equal(await world.run('config', 'example'), 0);
    const file = join(folder, 'example.toml');
    await writeFile(file, world.stdout.text);
    assert.equal(await world.run('config', 'check', '--config', file), 0);
  });
});
