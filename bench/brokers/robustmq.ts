import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VOLATILE_ROOT } from '../scenarios/catalogue.ts';
import type { BrokerKind, StartOptions } from './broker.ts';
import { launch } from './broker-process.ts';
import { freePort } from './free-port.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const CONFIGURATION = 'robustmq.toml';

/** Our own broker from this working tree. */
export const robustmq: BrokerKind = robustmqIn('robustmq', () => ROOT);

/** The same, recording nothing. */
export const robustmqUntraced: BrokerKind = robustmqIn('robustmq-untraced', () => ROOT, false);

/** The broker whose sources lie in this folder, tracing one message in a hundred. */
export function robustmqIn(name: string, folder: () => string, isTraced = true): BrokerKind {
  const main = (): string => join(folder(), 'src', 'main.ts');
  return {
    name,
    exportsTraces: isTraced,
    version: () => {
      if (!existsSync(main())) return undefined;
      return (JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8')) as { version: string }).version;
    },
    start: async (options) => {
      const adminPort = isTraced && options.otlpEndpoint !== undefined ? await freePort() : undefined;
      return launch({
        pinned: options.pinned,
        adminPort,
        command: (_port, directory) => [process.execPath, main(), 'start', '--config', join(directory, CONFIGURATION)],
        configuration: {
          name: CONFIGURATION,
          text: (port, directory) => configuration({ port, adminPort, directory }, options, isTraced),
        },
      });
    },
  };
}

/** The TOML that starts it on these ports, with its data in this directory. Without `adminPort` nobody can ask it. */
export function configuration(
  place: { readonly port: number; readonly adminPort: number | undefined; readonly directory: string },
  { otlpEndpoint, samplingRate }: Pick<StartOptions, 'otlpEndpoint' | 'samplingRate'>,
  isTraced = true,
): string {
  const exporter =
    otlpEndpoint === undefined
      ? 'exporter_type = "none"'
      : `exporter_type = "otlp"\nexporter_endpoint = ${JSON.stringify(otlpEndpoint)}`;
  return `
data_dir = ${JSON.stringify(join(place.directory, 'data'))}

[[listeners]]
address = "127.0.0.1"
port = ${place.port}

[admin]
enabled = ${place.adminPort !== undefined}
port = ${place.adminPort ?? 0}

[telemetry]
enable = ${isTraced}
${exporter}

[telemetry.sampling]
rate = ${samplingRate}

[[topic_rules]]
filter = "${VOLATILE_ROOT}/#"
durable = false
`;
}
