import type { AttributePolicy } from '../attribute-policy.ts';
import type { Role } from '../catalogue.ts';
import type { FileExporterOptions } from '../export/file-exporter.ts';
import type { OtlpOptions } from '../export/otlp-settings.ts';
import type { MetricsSnapshot } from '../metrics-snapshot.ts';
import type { ResourceAttributes } from '../otlp/export-request.ts';
import type { BrokerIdentity } from '../records/expand/common-attributes.ts';
import type { SharedRing } from '../ring/ring-memory.ts';
import type { KeepOptions } from '../sampling/keep-policy.ts';
import type { WatchCount, WatchRule } from '../sampling/watch-rules.ts';
import type { TraceDocument } from '../trace-document.ts';
import type { RingWindow } from '../trace-stats.ts';
import type { BesideSignal } from './signal-figures.ts';
import type { TraceFilter } from './trace-filter.ts';

/** Where kept traces go. `none`: they stay in the process. */
export type Destination =
  | { readonly type: 'none' }
  | { readonly type: 'console' }
  | { readonly type: 'file'; readonly options: FileExporterOptions }
  | { readonly type: 'otlp'; readonly options: OtlpOptions };

/** What leaves by OTLP beside traces, and where to. */
export interface SignalOptions {
  readonly metrics: boolean;
  readonly logs: boolean;
  readonly otlp: OtlpOptions;
  /** See SignalFigures. */
  readonly figures: SharedArrayBuffer;
  /** Unix milliseconds from which on everything has been counted. */
  readonly startedAt: number;
}

/** What the exporter's thread is started with. */
export interface ExporterOptions {
  readonly ring: SharedRing;
  readonly seed: Uint32Array;
  readonly figures: SharedArrayBuffer;
  readonly broker: BrokerIdentity;
  readonly attributes: AttributePolicy;
  readonly resources: Readonly<Record<Role, ResourceAttributes>>;
  readonly serviceVersion: string;
  readonly destination: Destination;
  readonly keep: KeepOptions;
  /** How long a span waits for others to join its request. */
  readonly intervalMs: number;
  readonly queueBytes: number;
  readonly maxPauseMs: number;
  /** Undefined: what does not leave is dropped. */
  readonly spool: { readonly folder: string; readonly maxBytes: number } | undefined;
  /** Undefined: neither metrics nor logs leave. */
  readonly signals: SignalOptions | undefined;
}

/** To the exporter's thread. */
export type ExporterRequest =
  | { readonly type: 'find'; readonly id: number; readonly filter: TraceFilter; readonly limit: number }
  | { readonly type: 'show'; readonly id: number; readonly traceId: string }
  | { readonly type: 'tail'; readonly id: number; readonly filter: TraceFilter }
  | { readonly type: 'untail'; readonly id: number }
  | { readonly type: 'watch'; readonly rules: readonly WatchRule[] }
  /** Everything recorded before is read, and with `sends` its requests are made. */
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'window'; readonly id: number }
  | { readonly type: 'metrics'; readonly snapshot: MetricsSnapshot }
  | { readonly type: 'log_lines'; readonly lines: readonly string[]; readonly at: number }
  | { readonly type: 'close'; readonly limitMs: number };

export interface ExemplarNotice {
  readonly operation: string;
  readonly durationMs: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly at: number;
}

/** What became of metrics and logs. */
export type SignalNotice = { readonly signal: BesideSignal; readonly destination: string } & (
  | { readonly type: 'signal_failing'; readonly message: string }
  | { readonly type: 'signal_recovered'; readonly dropped: number }
  | { readonly type: 'signal_rejected'; readonly items: number; readonly message: string }
);

/** From the exporter's thread. */
export type ExporterNotice =
  | { readonly type: 'answer'; readonly id: number; readonly traces: readonly TraceDocument[] }
  | { readonly type: 'flushed'; readonly id: number }
  | { readonly type: 'window'; readonly id: number; readonly window: RingWindow }
  | { readonly type: 'trace'; readonly id: number; readonly trace: TraceDocument }
  | { readonly type: 'skipped'; readonly id: number; readonly count: number }
  | { readonly type: 'watched'; readonly counts: readonly WatchCount[] }
  | { readonly type: 'exported'; readonly exemplars: readonly ExemplarNotice[] }
  | { readonly type: 'failing'; readonly destination: string; readonly message: string }
  | { readonly type: 'recovered'; readonly destination: string; readonly droppedSpans: number }
  | { readonly type: 'rejected'; readonly destination: string; readonly spans: number; readonly message: string }
  | { readonly type: 'spool_failing'; readonly folder: string; readonly message: string }
  | SignalNotice
  | { readonly type: 'closed' };
