import { systemClock } from './base/clock.ts';
import { explain } from './cli/exit-code.ts';
import { runProgram } from './cli/program.ts';

/** What nobody expected: the state is unknown, so nothing more is written; what was acknowledged is on disk. */
process.on('uncaughtException', (error) => {
  const { exitCode, sentence } = explain(error);
  process.stderr.write(`robustmq: ${sentence}\n`);
  process.exit(exitCode);
});

/** Whoever reads our output (`| head`) may have seen enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const exitCode = await runProgram(process.argv.slice(2), {
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
  clock: systemClock,
  // Loaded only when asked for, so that every other command answers at once.
  checkTelemetry: async (config) => (await import('./open-telemetry.ts')).checkTelemetry(config, process.env),
  startServer: async (config) => (await import('./server.ts')).startServer(config),
});

// What was to be released has been; a retry timer of an exporter library must not keep the process.
process.exit(exitCode);
