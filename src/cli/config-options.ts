import type { Command } from 'commander';
import type { ConfigFlags } from '../config/flags.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/schema.ts';
import type { CommandContext } from './command-context.ts';

export interface ConfigOptions extends ConfigFlags {
  readonly config?: string;
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** The options with which a command takes its configuration. */
export function addConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'TOML file with the configuration (environment: ROBUSTMQ_CONFIG)')
    .option('--listen <host:port>', 'address of the first MQTT listener')
    .option('--data-dir <folder>', 'folder for everything that is kept')
    .option('--roles <roles>', 'services this process runs: broker,placement,journal')
    .option('--log-level <level>', 'least severity that is logged')
    .option('--set <key=value>', 'any key of the configuration, such as mqtt.max_qos=1; repeatable', collect);
}

export const configFrom = ({ config, ...flags }: ConfigOptions, { environment }: CommandContext): Config =>
  loadConfig({ file: config ?? (environment.ROBUSTMQ_CONFIG || undefined), environment, flags });
