import type { ExporterThread } from '../telemetry/exporter/exporter-thread.ts';

/** Finds what is recorded, follows it, and says how much of it there is. */
export type TraceSource = Pick<ExporterThread, 'find' | 'show' | 'follow' | 'window'>;
