import type { SpanDocument } from '../telemetry/trace-document.ts';

export type Style = 'bold' | 'dim' | 'red' | 'cyan';

/** An attribute as it is printed. */
export interface AttributeWord {
  readonly key: string;
  readonly value: string;
  readonly style: Style;
}

type Attributes = SpanDocument['attributes'];

/**
 * The attributes in which a span differs from its parent, errors first. Names go without their namespace, as the span's
 * name and the neighbours say it: `client_id` for `mqtt.client_id`; what went wrong keeps its full name.
 */
export function attributeWords(attributes: Attributes, parent: Attributes): AttributeWord[] {
  const own = Object.entries(attributes).filter(
    ([key, value]) => !isSaidTwice(key) && String(parent[key]) !== String(value),
  );
  const [errors, others] = [own.filter(([key]) => isError(key)), own.filter(([key]) => !isError(key))];
  return [...errors, ...others].map(([key, value]) => ({
    key: printable(isError(key) ? key : key.slice(key.indexOf('.') + 1)),
    value: valueText(value),
    style: isError(key) ? 'red' : 'cyan',
  }));
}

/** `0.042 ms`, `12.3 ms`, `1.25 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 10) return `${milliseconds.toFixed(1)} ms`;
  return `${milliseconds.toFixed(3)} ms`;
}

/** What all texts begin with, up to and with the last separator in it. */
export function commonPrefix(texts: readonly string[], separator: string): string {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, first.lastIndexOf(separator, length - 1) + 1);
}

/** Clients choose ids and topics: no control character of theirs may reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

const SAID_TWICE = new Set([
  'network.transport',
  'network.protocol.name',
  'network.protocol.version',
  'db.operation.name',
]);

/** What other attributes or the name say already, in OpenTelemetry's words. */
const isSaidTwice = (key: string): boolean => key.startsWith('messaging.') || SAID_TWICE.has(key);

const isError = (key: string): boolean => key.startsWith('error.');

function valueText(value: Attributes[string]): string {
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? printable(value) : `"${printable(value)}"`;
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  return typeof value === 'object' ? `[${value.map(valueText).join(', ')}]` : String(value);
}
