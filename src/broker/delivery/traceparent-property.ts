import { copyWithoutUserProperty } from '../../mqtt/forwarded-properties.ts';
import { combinedUserProperty } from '../../mqtt/user-property.ts';
import { CONTEXT_BYTES, parseTraceparent, traceIdOf } from '../../telemetry/trace-context.ts';

export const TRACEPARENT_NAME = Buffer.from('traceparent');
const TRACESTATE_NAME = Buffer.from('tracestate');
/** Nobody knows yet what a higher version will hold. */
const MAX_TRACEPARENT_BYTES = 1024;
const sent = new Uint8Array(CONTEXT_BYTES);
let scratch = Buffer.allocUnsafeSlow(1024);

/** Whether the property block has a user property `traceparent`. */
export function hasTraceparent(properties: Uint8Array, start: number, end: number): boolean {
  return end > start && withoutTraceparent(properties, start, end).length < end - start;
}

/** The block without its user properties `traceparent`; valid until the next call. */
export function withoutTraceparent(properties: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start > scratch.length) scratch = Buffer.allocUnsafeSlow(end - start);
  return scratch.subarray(0, copyWithoutUserProperty(properties, start, end, TRACEPARENT_NAME, scratch, 0));
}

/**
 * The block without what a `traceparent` of the broker's takes the place of; valid until the next call. `tracestate` belongs
 * to its trace: it stays where that goes on in `context`, and goes where another has begun (W3C Trace Context 2, section 4.3).
 */
export function withoutReplaced(properties: Uint8Array, start: number, end: number, context: Uint8Array): Uint8Array {
  const rest = withoutTraceparent(properties, start, end);
  const header = combinedUserProperty(properties, start, end, TRACEPARENT_NAME, MAX_TRACEPARENT_BYTES);
  if (isOfTrace(Buffer.from(header), context)) return rest;
  const out = Buffer.allocUnsafe(rest.length);
  return out.subarray(0, copyWithoutUserProperty(rest, 0, rest.length, TRACESTATE_NAME, out, 0));
}

function isOfTrace(header: Uint8Array, context: Uint8Array): boolean {
  return parseTraceparent(header, 0, header.length, sent, 0) && traceIdOf(sent) === traceIdOf(context);
}
