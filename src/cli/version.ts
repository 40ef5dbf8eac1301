import type { Command } from 'commander';
import { programVersion } from '../config/program-version.ts';
import type { CommandContext } from './command-context.ts';

export function addVersionCommand(program: Command, { stdout }: CommandContext): void {
  program
    .command('version')
    .description('print the versions of RobustMQ and of the Node that runs it')
    .addHelpText('after', '\nExample:\n  robustmq version')
    .action(() => {
      stdout.write(`robustmq ${programVersion} (node ${process.versions.node}, ${process.platform} ${process.arch})\n`);
    });
}
