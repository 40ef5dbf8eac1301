import { copyWithoutUserProperty } from '../../mqtt/forwarded-properties.ts';

export const TRACEPARENT_NAME = Buffer.from('traceparent');
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
