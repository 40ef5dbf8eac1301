import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { addConfigCommand } from './config.ts';
import { addDrainCommand } from './drain.ts';
import { ExitCode, explain } from './exit-code.ts';
import { addPasswdCommand } from './passwd.ts';
import { addStartCommand, Impatience } from './start.ts';
import { addTraceCommand } from './trace.ts';
import { addVersionCommand } from './version.ts';

function createProgram(context: CommandContext): Command {
  const program = new Command('robustmq')
    .description('An MQTT 3.1.1 and 5.0 broker in which the way of every message is one trace')
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    // Inherited by the commands that are added after it.
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', '\nExamples:\n  robustmq start\n  robustmq trace tail\n  robustmq <command> --help');
  addStartCommand(program, context);
  const traceOutput = {
    write: (text: string) => context.stdout.write(text),
    // Colour for people only, and not where NO_COLOR is set (no-color.org).
    isColoured: context.stdout.isTTY === true && !context.environment.NO_COLOR,
    width: widthOf(context),
    now: () => context.clock.now(),
  };
  addTraceCommand(program, traceOutput, context.signals);
  addDrainCommand(program, context);
  addPasswdCommand(program, context);
  addConfigCommand(program, context);
  addVersionCommand(program, context);
  return program;
}

/** What the terminal says, or for a pipe whoever set COLUMNS. */
function widthOf({ stdout, environment }: CommandContext): number | undefined {
  return stdout.columns ?? (Number(environment.COLUMNS) || undefined);
}

/** Runs one command. `parameters` are those after the program's name. Returns the exit code, having said why if not 0. */
export async function runProgram(parameters: readonly string[], context: CommandContext): Promise<number> {
  try {
    await createProgram(context).parseAsync(parameters, { from: 'user' });
    return ExitCode.success;
  } catch (error) {
    // Commander has said what was wrong; its own exit code for wrong usage is 1, with a code that names the mistake.
    if (error instanceof CommanderError)
      return error.exitCode === 1 && error.code !== 'commander.error' ? ExitCode.usage : error.exitCode;
    const { exitCode, sentence } = error instanceof Impatience ? impatient(error) : explain(error);
    context.stderr.write(`robustmq: ${sentence}\n`);
    return exitCode;
  }
}

const impatient = ({ exitCode, message }: Impatience) => ({ exitCode, sentence: message });
