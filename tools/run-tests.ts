/** The second half of `npm test`: every test that needs nothing but this repository. */
import { join } from 'node:path';
import { runTestFiles } from './testing/run-test-files.ts';

process.exitCode = await runTestFiles({
  root: join(import.meta.dirname, '..'),
  include: ['{src,test,tools,bench}/**/*.test.ts'],
  // These need programs that a machine may not have, or have results of their own to show, and have commands of their own.
  exclude: ['test/clients/**', 'test/backends/**', 'test/conformance/**'],
  limitMs: 12 * 60_000,
});
