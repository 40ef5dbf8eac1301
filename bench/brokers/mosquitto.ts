import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { BrokerKind } from './broker.ts';
import { launch } from './broker-process.ts';

const CONFIGURATION = 'mosquitto.conf';
/** Debian installs it where the path of an ordinary user does not look. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };

const SETTINGS = `
allow_anonymous true
persistence false
log_dest none
`;

/** The defaults are 20 messages in flight and 1000 queued for one client, which the windows of the scenarios run into. */
const NO_LIMITS = `
max_inflight_messages 0
max_queued_messages 0
`;

/** With the limits of its default configuration. */
export const mosquittoAsInstalled = mosquittoWith(SETTINGS);

/** Without persistence, and without limits. */
export const mosquitto = mosquittoWith(SETTINGS + NO_LIMITS);

function mosquittoWith(settings: string): BrokerKind {
  return {
    name: 'mosquitto',
    exportsTraces: false,
    version: () => {
      // Prints its version with the help, and exits with 3.
      const { stdout, error } = spawnSync('mosquitto', ['-h'], { encoding: 'utf8', env: ENVIRONMENT });
      return error === undefined ? (/version (\S+)/.exec(stdout)?.[1] ?? 'unknown') : undefined;
    },
    start: ({ pinned }) =>
      launch({
        pinned,
        command: (_port, directory) => [
          '/usr/bin/env',
          `PATH=${ENVIRONMENT.PATH}`,
          'mosquitto',
          '-c',
          join(directory, CONFIGURATION),
        ],
        configuration: { name: CONFIGURATION, text: (port) => `listener ${port} 127.0.0.1\n${settings}` },
      }),
  };
}
