import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'robustmq.mjs');
const run = (...parameters: string[]) => spawnSync(process.execPath, [launcher, ...parameters], { encoding: 'utf8' });

test('bin/robustmq.mjs passes parameters, output and exit code on', () => {
  const version = run('version');
  assert.match(version.stdout, /^robustmq \d/);
  assert.equal(version.status, 0);
  const wrong = run('config', 'check', '--set', 'mqtt.max_qos=9');
  assert.match(wrong.stderr, /mqtt\.max_qos = 9/);
  assert.equal(wrong.status, 78);
});
