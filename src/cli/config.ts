import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { stringify } from 'smol-toml';
import { compileAccessRules } from '../broker/auth/access-rules.ts';
import { PasswordFileError, parsePasswordFile } from '../broker/auth/password-file.ts';
import { withoutCredentials } from '../config/config-error.ts';
import { renderExampleToml } from '../config/documentation.ts';
import type { Config } from '../config/schema.ts';
import { tomlName } from '../config/schema-walk.ts';
import type { CommandContext } from './command-context.ts';
import { addConfigOptions, type ConfigOptions, configFrom } from './config-options.ts';

export function addConfigCommand(program: Command, context: CommandContext): void {
  const config = program.command('config').description('check, show or begin a configuration');

  addConfigOptions(config.command('check').description('say whether the broker would start with this configuration'))
    .addHelpText(
      'after',
      '\nExamples:\n  robustmq config check --config robustmq.toml\n  robustmq config check --set mqtt.max_qos=1',
    )
    .action(async (options: ConfigOptions) => {
      const checked = configFrom(options, context);
      compileAccessRules(checked.authorization.rules);
      const users = await countUsers(checked);
      const summary = [
        checked.roles.join(', '),
        `${checked.listeners.length} listeners`,
        users === undefined ? 'no password file' : `${users} users`,
        `${checked.authorization.rules.length} access rules`,
      ];
      context.stdout.write(`The configuration is valid: ${summary.join('; ')}.\n`);
    });

  addConfigOptions(
    config.command('show').description('print the whole configuration that file, variables and flags come to'),
  )
    .addHelpText('after', '\nExample:\n  ROBUSTMQ_MQTT__MAX_QOS=1 robustmq config show --config robustmq.toml')
    .action((options: ConfigOptions) => {
      context.stdout.write(withoutCredentials(stringify(withTomlNames(configFrom(options, context)))));
    });

  config
    .command('example')
    .description('print a file with every key, its meaning and its default')
    .addHelpText('after', '\nExample:\n  robustmq config example > robustmq.toml')
    .action(() => {
      context.stdout.write(renderExampleToml());
    });
}

async function countUsers({ authentication: { passwordFile } }: Config): Promise<number | undefined> {
  if (passwordFile === undefined) return undefined;
  const text = await readFile(passwordFile, 'utf8').catch((error: Error) => {
    throw new PasswordFileError('unreadable', `authentication.password_file cannot be read: ${error.message}`, error);
  });
  return parsePasswordFile(text, passwordFile).size;
}

function withTomlNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTomlNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [tomlName(key), withTomlNames(item)]));
}
