/** `npm run test:backends`: from the broker through a real OpenTelemetry Collector to a real Jaeger, and back by its API. */
import { join } from 'node:path';
import { provideBackends } from './backends/provide-backends.ts';
import { runTestFiles } from './testing/run-test-files.ts';

const failures = provideBackends();
// The tests skip themselves, so that the runner's summary counts them.
for (const { code } of failures) console.log(`SKIPPED: the tests with real backends: ${code} (counted as skipped)`);
const exitCode = await runTestFiles({
  root: join(import.meta.dirname, '..'),
  include: ['test/backends/**/*.test.ts'],
  exclude: [],
  limitMs: 10 * 60_000,
});
// What is there and does not compile is a failure; that there is no Go, or no way to its modules, is not.
process.exitCode = failures.some(({ code }) => code === 'not_built') ? 1 : exitCode;
