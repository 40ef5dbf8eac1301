import { existsSync } from 'node:fs';
import type { Backend } from './backend.ts';
import { executableOf, provideBackend } from './backend-cache.ts';
import { BackendError } from './backend-error.ts';
import { COLLECTOR } from './collector.ts';
import { GoCommand } from './go-command.ts';
import { JAEGER } from './jaeger.ts';

/** The smaller one first: what cannot be fetched is known soon. */
export const BACKENDS: readonly Backend[] = [COLLECTOR, JAEGER];

/** Builds what is not there, says what it does, and returns the failures. */
export function provideBackends(): BackendError[] {
  const go = new GoCommand();
  const failures: BackendError[] = [];
  for (const backend of BACKENDS) {
    const title = `${backend.name} ${backend.version}`;
    try {
      if (!existsSync(executableOf(backend))) console.log(`${title}: building, which takes minutes`);
      console.log(`${title}: ${provideBackend(backend, go)}`);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      console.log(`${title}: ${error.message}`);
      failures.push(error);
      // What keeps one from being built keeps the other too; it would only take as long again to see it.
      if (error.code !== 'not_built') break;
    }
  }
  return failures;
}
