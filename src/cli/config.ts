import type { Command } from 'commander';
import { stringify } from 'smol-toml';
import { readAclFiles } from '../broker/auth/acl-file.ts';
import { compileAccessRules } from '../broker/auth/authorizer.ts';
import { readJwtKeys } from '../broker/auth/jwt-keys.ts';
import { PASSWORD_FILE } from '../broker/auth/password-file.ts';
import { SCRAM_FILE } from '../broker/auth/scram-file.ts';
import { readUserFile } from '../broker/auth/user-file.ts';
import { readTlsMaterials } from '../broker/transport/tls-material.ts';
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
      await readAclFiles(checked);
      await readJwtKeys(checked.authentication.jwt);
      await readTlsMaterials(checked);
      await context.checkTelemetry(checked);
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

async function countUsers({ authentication: { passwordFile, scramFile } }: Config): Promise<number | undefined> {
  if (passwordFile === undefined && scramFile === undefined) return undefined;
  const passwords = passwordFile === undefined ? undefined : await readUserFile(passwordFile, PASSWORD_FILE);
  const scram = scramFile === undefined ? undefined : await readUserFile(scramFile, SCRAM_FILE);
  return (passwords?.size ?? 0) + (scram?.size ?? 0);
}

function withTomlNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTomlNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [tomlName(key), withTomlNames(item)]));
}
