import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { allowsAnonymous, authenticationOf } from '../config/access-consistency.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_ADMIN_URL } from './admin-client.ts';
import type { ServerAddress } from './command-context.ts';

/** What listens where, where the data lies, and how to see a trace. */
export function renderBanner(config: Config, version: string, addresses: readonly ServerAddress[]): string {
  const rows = [
    ...addresses.map((address): [string, string] =>
      address.protocol === 'mqtt'
        ? ['MQTT', `${urlOf(address)}${pathOf(config, address.name)} ${accessOf(config, address.name)}`]
        : ['Admin', `${urlOf(address)} (/healthz, /readyz, /metrics, /api/v1/traces)`],
    ),
    ['Data', dataPlace(config)],
    ['Traces', traceHint(config, addresses)],
  ];
  const title = `RobustMQ ${version}: node ${config.node.id} of cluster ${config.cluster.name} (${config.roles.join(', ')})`;
  return `${[title, ...rows.map(([label, text]) => `  ${label!.padEnd(8)}${text}`)].join('\n')}\n`;
}

const urlOf = ({ scheme, address, port }: ServerAddress): string =>
  `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`;

/** What follows the port in the URL of a listener. */
function pathOf({ listeners }: Config, name: string): string {
  const listener = listeners.find((candidate) => candidate.name === name);
  return listener?.transport === 'ws' || listener?.transport === 'wss' ? listener.path : '';
}

function accessOf(config: Config, name: string): string {
  const listener = config.listeners.find((candidate) => candidate.name === name);
  if (listener === undefined) return '';
  const chain = authenticationOf(config, listener).join(', ');
  if (chain === '') return '(anonymous clients welcome)';
  return allowsAnonymous(config, listener) ? `(${chain}; anonymous clients welcome)` : `(${chain})`;
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
