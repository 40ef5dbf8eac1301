import type { AttributeDefinition, SpanDefinition } from '../catalogue.ts';

/**
 * Where a span lies among the others: six 32-bit words of memory order (little-endian words of the context's bytes): trace
 * id (4), span id (2); and the parent's span id, zeros where there is none. Reused from span to span: read it at once.
 */
export interface SpanIdentity {
  /** Trace id: words 0 to 3; span id: 4 and 5; parent span id: 6 and 7, both 0 where there is no parent. */
  readonly words: Uint32Array;
  /** The parent's context came with data: from a client, another service or an earlier run. */
  isParentRemote: boolean;
  /** The span by which its trace came into this process. */
  isEntry: boolean;
}

/** Bytes of UTF-8 that lie in `bytes` from `start` to `end`: only as long as the call lasts. */
export interface TextSlice {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * Is shown spans one after the other, as they are read from records: `begin`, then any number of the others, then `end`.
 * Nothing it is given outlives the call, so that a visitor that writes bytes needs no objects.
 */
export interface SpanVisitor {
  /** Times in Unix milliseconds with a fraction. */
  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void;
  text(attribute: AttributeDefinition, value: TextSlice): void;
  /** For attributes of type int, double and boolean (0 or 1). */
  number(attribute: AttributeDefinition, value: number): void;
  /** A list of strings: one call for each, in order; they all belong to the same attribute. */
  textItem(attribute: AttributeDefinition, value: TextSlice): void;
  /** Words as in SpanIdentity: trace id (4), span id (2). */
  link(words: Uint32Array, isSampled: boolean): void;
  /** What was too much for the span to hold. */
  dropped(attributes: number, links: number): void;
  /** `tracestate` of the trace as the caller sent it. */
  traceState(value: TextSlice): void;
  /** Status ERROR with this description. */
  fail(message: TextSlice): void;
  /** The thrown error, as the event `exception` at the span's end. An empty stack trace: there was none. */
  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void;
  end(): void;
}
