/** `npm run test:clients`: other people's MQTT clients against our broker. They come from Debian, not from npm. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runTestFiles } from './testing/run-test-files.ts';

const PYTHON = '/usr/bin/python3';

/** What the tests use: how to see that it is there, and the package that brings it (for the system's Python). */
const CLIENTS = [
  { name: 'mosquitto_pub', probe: ['mosquitto_pub', '--help'], package: 'mosquitto-clients' },
  { name: 'mosquitto_sub', probe: ['mosquitto_sub', '--help'], package: 'mosquitto-clients' },
  { name: 'paho-mqtt', probe: [PYTHON, '-c', 'import paho.mqtt.client'], package: 'python3-paho-mqtt' },
] as const;

const INSTALL_LIMIT_MS = 180_000;

function missingClients(): (typeof CLIENTS)[number][] {
  return CLIENTS.filter(({ probe: [command, ...parameters] }) => {
    const { status, error } = spawnSync(command, parameters, { stdio: 'ignore' });
    // `--help` exits with 1 in some versions of the tools; that it ran at all is enough.
    return error !== undefined || (command === PYTHON && status !== 0);
  });
}

function install(packages: readonly string[]): void {
  if (process.getuid?.() !== 0) {
    console.log(`not root, so not installing ${packages.join(', ')}`);
    return;
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const parameters of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
  ]) {
    const { status, error } = spawnSync('apt-get', parameters, {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_LIMIT_MS,
    });
    if (status !== 0) console.log(`apt-get ${parameters[0]} failed: ${error?.message ?? `exit code ${status}`}`);
  }
}

const wanted = new Set(missingClients().map((client) => client.package));
if (wanted.size > 0) install([...wanted]);
const missing = missingClients().map(({ name }) => name);
for (const name of missing) console.log(`SKIPPED: the tests with ${name}, which is not installed (counted as skipped)`);

// The tests skip themselves by name, so that the runner's summary counts them.
process.env.ROBUSTMQ_MISSING_CLIENTS = missing.join(',');
process.exitCode = await runTestFiles({
  root: join(import.meta.dirname, '..'),
  include: ['test/clients/**/*.test.ts'],
  exclude: [],
  limitMs: 5 * 60_000,
});
