/** `npm run test:clients`: other people's MQTT clients against our broker. They come from Debian, not from npm. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { provide, runs, type Tool } from './testing/debian-packages.ts';
import { runTestFiles } from './testing/run-test-files.ts';

/** The packages bring Python modules for the system's Python. */
const PYTHON = '/usr/bin/python3';

const CLIENTS: readonly Tool[] = [
  { name: 'mosquitto_pub', isThere: () => runs('mosquitto_pub', '--help'), package: 'mosquitto-clients' },
  { name: 'mosquitto_sub', isThere: () => runs('mosquitto_sub', '--help'), package: 'mosquitto-clients' },
  {
    name: 'paho-mqtt',
    isThere: () => spawnSync(PYTHON, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' }).status === 0,
    package: 'python3-paho-mqtt',
  },
];

// The tests skip themselves by name, so that the runner's summary counts them.
process.env.ROBUSTMQ_MISSING_CLIENTS = provide(CLIENTS)
  .map(({ name }) => name)
  .join(',');
process.exitCode = await runTestFiles({
  root: join(import.meta.dirname, '..'),
  include: ['test/clients/**/*.test.ts'],
  exclude: [],
  limitMs: 5 * 60_000,
});
