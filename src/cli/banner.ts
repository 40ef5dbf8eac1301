import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { allowsAnonymous } from '../config/consistency.ts';
import type { Config } from '../config/schema.ts';
import type { ServerAddress } from './command-context.ts';
import { DEFAULT_ADMIN_URL } from './trace.ts';

/** What listens where, where the data lies, and how to see a trace. */
export function renderBanner(config: Config, version: string, addresses: readonly ServerAddress[]): string {
  const rows = [
    ...addresses.map((address): [string, string] =>
      address.protocol === 'mqtt'
        ? ['MQTT', `${hostAndPort(address)} ${accessOf(config, address.name)}`]
        : ['Admin', `${urlOf(address)} (/healthz, /readyz, /metrics, /api/v1/traces)`],
    ),
    ['Data', dataPlace(config)],
    ['Traces', traceHint(config, addresses)],
  ];
  const title = `RobustMQ ${version}: node ${config.node.id} of cluster ${config.cluster.name} (${config.roles.join(', ')})`;
  return `${[title, ...rows.map(([label, text]) => `  ${label!.padEnd(8)}${text}`)].join('\n')}\n`;
}

const hostAndPort = ({ address, port }: ServerAddress): string =>
  `${isIPv6(address) ? `[${address}]` : address}:${port}`;

const urlOf = (address: ServerAddress): string => `http://${hostAndPort(address)}`;

function accessOf(config: Config, name: string): string {
  const listener = config.listeners.find((candidate) => candidate.name === name);
  return listener !== undefined && allowsAnonymous(config, listener)
    ? '(anonymous clients welcome)'
    : '(with user name and password)';
}

function dataPlace({ dataDir, journal, placement }: Config): string {
  const isKept = journal.engine !== 'memory' && placement.engine !== 'memory';
  return isKept ? resolve(dataDir) : `${resolve(dataDir)} (what is in memory ends with the process)`;
}

function traceHint({ telemetry, admin }: Config, addresses: readonly ServerAddress[]): string {
  if (!telemetry.enable) return 'off (telemetry.enable)';
  if (!admin.enabled) return `go to ${telemetry.exporterType}; \`robustmq trace\` needs admin.enabled`;
  const url = addresses.filter(({ protocol }) => protocol === 'http').map(urlOf)[0] ?? DEFAULT_ADMIN_URL;
  const option = url === DEFAULT_ADMIN_URL ? '' : ` --url ${url}`;
  return `npx robustmq trace tail${option} (${telemetry.sampling.rate * 100} % of messages)`;
}
