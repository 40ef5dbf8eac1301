import type { AttributeDefinition, SpanDefinition } from './catalogue.ts';
import type { TraceOrigin } from './sampling/trace-head.ts';

/** An open span; 0 stands for a span that is not recorded, on which every call is a cheap no-op. */
export type SpanHandle = number;
export const NO_SPAN: SpanHandle = 0;

export type AttributeValue = string | number | boolean | readonly string[];

/**
 * What the rest of the program knows of tracing. Times are Unix milliseconds (base/clock.ts) and always given, so that
 * stages which share a batch share a clock read. Contexts are 25 bytes (telemetry/trace-context.ts): data, not objects.
 */
export interface Recorder {
  /** A new trace: the head decides, by the rate for whom it is of. 0 when it is not recorded. */
  root(span: SpanDefinition, at: number, origin?: TraceOrigin): SpanHandle;
  /** A span below a context of this broker's own that came with the data, whose decision it shares. */
  continued(span: SpanDefinition, parent: Uint8Array, parentOffset: number, at: number): SpanHandle;
  /** A new trace, recorded where the context's was, and linked to it: for what a trace led to, but much later. */
  linked(span: SpanDefinition, context: Uint8Array, contextOffset: number, at: number): SpanHandle;
  /** A span below an open one of this process. 0 below 0. */
  child(span: SpanDefinition, parent: SpanHandle, at: number): SpanHandle;
  attribute(handle: SpanHandle, attribute: AttributeDefinition, value: AttributeValue): void;
  link(handle: SpanHandle, context: Uint8Array, contextOffset: number): void;
  /** Status ERROR, `error.type`, `error.message`; with an error given, an exception event too. */
  fail(handle: SpanHandle, errorType: string, message: string, error?: unknown): void;
  end(handle: SpanHandle, at: number): void;
  /** Writes the span's context (25 bytes) into `out`; zeros for handle 0. */
  context(handle: SpanHandle, out: Uint8Array, outOffset: number): void;
}
