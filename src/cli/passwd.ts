import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { parsePasswordFile, withPassword } from '../broker/auth/password-file.ts';
import { hashPassword } from '../broker/auth/password-hash.ts';
import type { CommandContext } from './command-context.ts';
import { ExitCode } from './exit-code.ts';
import { askTwice, PasswordInputError, readPiped } from './read-password.ts';

const OWNER_ONLY = 0o600;

interface PasswdOptions {
  readonly delete?: true;
  readonly stdin?: true;
}

export function addPasswdCommand(program: Command, context: CommandContext): void {
  program
    .command('passwd')
    .description('add, change or remove a user of a password file')
    .argument('<file>', 'password file; created where there is none')
    .argument('<user>', 'user name')
    .option('--delete', 'remove the user')
    .option('--stdin', 'read the password from standard input instead of asking for it')
    .addHelpText(
      'after',
      `
A running broker notices the change within a second of the next connect.

Examples:
  robustmq passwd passwords alice
  robustmq passwd --delete passwords alice
  printf %s "$PASSWORD" | robustmq passwd --stdin passwords alice`,
    )
    .action(async (file: string, user: string, options: PasswdOptions, command: Command) => {
      try {
        context.stdout.write(await passwd(file, user, options, context));
      } catch (error) {
        if (error instanceof PasswordInputError)
          command.error(`robustmq: ${error.message}`, { exitCode: ExitCode.failure });
        throw error;
      }
    });
}

/** Returns what to tell the user. */
async function passwd(given: string, user: string, options: PasswdOptions, context: CommandContext): Promise<string> {
  // Through a symbolic link the file it names is replaced, not the link.
  const file = await realpath(given).catch(whenMissing(given));
  const text = await readFile(file, 'utf8').catch(whenMissing(''));
  const isKnown = parsePasswordFile(text, given).has(user);
  if (options.delete === true) {
    if (!isKnown) throw new PasswordInputError(`${given} has no user ${user}`);
    await replaceFile(file, withPassword(text, user, undefined));
    return `Removed ${user} from ${given}.\n`;
  }
  const usePipe = options.stdin === true || context.stdin.isTTY !== true;
  const password = await (usePipe ? readPiped(context) : askTwice(context));
  await replaceFile(file, withPassword(text, user, await hashPassword(password)));
  return `${isKnown ? 'Changed the password of' : 'Added'} ${user} in ${given}.\n`;
}

const whenMissing = (substitute: string) => (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error;
  return substitute;
};

/** At every moment, also of a crash, the file is the old or the new one, and only its owner's to read. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  try {
    await using handle = await open(draft, 'wx', OWNER_ONLY);
    await handle.writeFile(text);
    await handle.sync();
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await using folder = await open(dirname(file), 'r');
  await folder.sync();
}
