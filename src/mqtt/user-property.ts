import { isNamed } from './forwarded-properties.ts';
import { PROPERTIES, type WireType } from './property.ts';
import { PUBLISH_WIRE_TYPES, prefixedEnd, propertyValueEnd } from './property-skip.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The user properties of that name in a PUBLISH's validated property block, as one: in order and with commas between them, as
 * HTTP combines the fields of a header. Empty where there is none, and where it would be longer than `maxBytes`.
 */
export function combinedUserProperty(
  source: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  maxBytes: number,
): string {
  const values: string[] = [];
  let bytes = -1;
  let position = start;
  while (position < end) {
    const id = source[position]!;
    const next = propertyValueEnd(source, PUBLISH_WIRE_TYPES[id]! as WireType, position + 1, end);
    if (id === PROPERTIES.userProperties.id && isNamed(source, position + 1, name)) {
      const from = prefixedEnd(source, position + 1, end) + 2;
      bytes += 1 + next - from;
      if (bytes > maxBytes) return '';
      values.push(decoder.decode(source.subarray(from, next)));
    }
    position = next;
  }
  return values.join(',');
}
