import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { PASSWORD_FILE } from '../broker/auth/password-file.ts';
import { formatPasswordHash, hashPassword } from '../broker/auth/password-hash.ts';
import {
  DEFAULT_ITERATIONS,
  deriveScramCredential,
  formatScramCredential,
  LEAST_ITERATIONS,
  MOST_ITERATIONS,
  prepare,
} from '../broker/auth/scram-credential.ts';
import { SCRAM_FILE } from '../broker/auth/scram-file.ts';
import { parseUserFile, UserFileError, withUser } from '../broker/auth/user-file.ts';
import type { CommandContext } from './command-context.ts';
import { ExitCode } from './exit-code.ts';
import { askTwice, PasswordInputError, readPiped } from './read-password.ts';

const OWNER_ONLY = 0o600;

interface PasswdOptions {
  readonly delete?: true;
  readonly scram?: true;
  readonly iterations: number;
  readonly stdin?: true;
}

export function addPasswdCommand(program: Command, context: CommandContext): void {
  program
    .command('passwd')
    .description('add, change or remove a user of a password file')
    .argument('<file>', 'password file; created where there is none')
    .argument('<user>', 'user name')
    .option('--delete', 'remove the user')
    .option('--scram', 'write a file of SCRAM-SHA-256 users (authentication.scram_file)')
    .option(
      '--iterations <count>',
      'with --scram: work the client has with each connection',
      iterationCount,
      DEFAULT_ITERATIONS,
    )
    .option('--stdin', 'read the password from standard input instead of asking for it')
    .addHelpText(
      'after',
      `
A running broker notices the change within a second of the next connect.

Examples:
  robustmq passwd passwords alice
  robustmq passwd --delete passwords alice
  robustmq passwd --scram scram-users alice
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
async function passwd(given: string, name: string, options: PasswdOptions, context: CommandContext): Promise<string> {
  // SCRAM compares names in one form, and clients send them in it.
  const user = options.scram ? orRefuse(prepare(name), 'this user name') : name;
  // Through a symbolic link the file it names is replaced, not the link.
  const file = await realpath(given).catch(whenMissing(given));
  const text = await readFile(file, 'utf8').catch(whenMissing(''));
  const isKnown = parseUserFile<unknown>(text, given, options.scram ? SCRAM_FILE : PASSWORD_FILE).has(user);
  if (options.delete === true) {
    if (!isKnown) throw new PasswordInputError(`${given} has no user ${user}`);
    await replaceFile(file, withUser(text, user, undefined));
    return `Removed ${user} from ${given}.\n`;
  }
  const usePipe = options.stdin === true || context.stdin.isTTY !== true;
  const password = await (usePipe ? readPiped(context) : askTwice(context));
  await replaceFile(file, withUser(text, user, await credentialOf(password, options)));
  return `${isKnown ? 'Changed the password of' : 'Added'} ${user} in ${given}.\n`;
}

async function credentialOf(password: Buffer, { scram, iterations }: PasswdOptions): Promise<string> {
  if (!scram) return formatPasswordHash(await hashPassword(password));
  const credential = await deriveScramCredential(password.toString(), iterations);
  return formatScramCredential(orRefuse(credential, 'this password'));
}

function orRefuse<Value>(value: Value | undefined, what: string): Value {
  if (value !== undefined) return value;
  throw new UserFileError('unusable_name', `SCRAM does not allow ${what}: it holds a character that SASLprep forbids`);
}

function iterationCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= LEAST_ITERATIONS && count <= MOST_ITERATIONS) return count;
  throw new InvalidArgumentError(`Expected a whole number from ${LEAST_ITERATIONS} to ${MOST_ITERATIONS}.`);
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
