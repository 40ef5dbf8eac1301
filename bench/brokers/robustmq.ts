import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VOLATILE_ROOT } from '../scenarios/catalogue.ts';
import type { BrokerKind, StartOptions } from './broker.ts';
import { launch } from './broker-process.ts';

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
    version: () => {
      if (!existsSync(main())) return undefined;
      return (JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8')) as { version: string }).version;
    },
    start: (options) =>
      launch({
        pinned: options.pinned,
        command: (_port, directory) => [process.execPath, main(), 'start', '--config', join(directory, CONFIGURATION)],
        configuration: {
          name: CONFIGURATION,
          text: (port, directory) => configuration(port, directory, options, isTraced),
        },
      }),
  };
}

/** The TOML that starts it on this port, with its data in this directory. */
export function configuration(
  port: number,
  directory: string,
  { otlpEndpoint, samplingRate }: Pick<StartOptions, 'otlpEndpoint' | 'samplingRate'>,
  isTraced = true,
): string {
  const exporter =
    otlpEndpoint === undefined
      ? 'exporter_type = "none"'
      : `exporter_type = "otlp"\nexporter_endpoint = ${JSON.stringify(otlpEndpoint)}`;
  return `
data_dir = ${JSON.stringify(join(directory, 'data'))}

[[listeners]]
address = "127.0.0.1"
port = ${port}

[admin]
enabled = false

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
