import type { ThrownError } from './finished-span.ts';
import type { AttributeValue } from './recorder.ts';

/** Bounds of one span, whatever a client sends; what is cut off is counted on the span itself. */
export const MAX_ATTRIBUTES = 32;
export const MAX_LINKS = 128;
export const MAX_STRING_LENGTH = 4096;
export const MAX_STRINGS = 128;

/** The value itself, or as much of it as a span may hold. A list is copied: its owner may change it. */
export function boundedValue(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return boundedString(value);
  if (typeof value !== 'object') return value;
  return value.slice(0, MAX_STRINGS).map(boundedString);
}

/** What a thrown value says of itself, for the `exception` event. */
export function thrownError(error: unknown): ThrownError {
  if (!(error instanceof Error)) return { type: typeof error, message: boundedString(String(error)), stacktrace: null };
  const code = 'code' in error && typeof error.code === 'string' ? `.${error.code}` : '';
  return {
    type: `${error.name}${code}`,
    message: boundedString(error.message),
    stacktrace: error.stack === undefined ? null : boundedString(error.stack),
  };
}

function boundedString(text: string): string {
  return text.length <= MAX_STRING_LENGTH ? text : text.slice(0, MAX_STRING_LENGTH);
}
