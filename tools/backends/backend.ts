import type { GoCommand } from './go-command.ts';

/** A program of other people that traces are sent to, built from its Go modules. */
export interface Backend {
  readonly name: 'otelcol' | 'jaeger';
  readonly version: string;
  /** All that decides what is built beside the version: another recipe is another file in the cache. */
  readonly recipe: string;
  /** Builds in an empty folder and returns the path of the executable. Throws BackendError. */
  build(go: GoCommand, folder: string): string;
}
