/*
 * `tracestate` (W3C Trace Context 2, section 3.3), as far as sampling is concerned: the member `ot` holds OpenTelemetry's
 * `th` (rejection threshold) and `rv` (explicit randomness). A header that is malformed is ignored as a whole.
 */

const MAX_MEMBERS = 32;
/** What must be passed on (section 3.3.1.5); of what is longer, the rest goes. */
const MAX_KEPT_BYTES = 512;
/** Members larger than this are the first to go. */
const LARGE_MEMBER_BYTES = 128;
/** Nobody sends this much in good faith, and it is not looked at. */
export const MAX_TRACE_STATE_BYTES = 4096;
const MAX_VALUE_BYTES = 256;

const OTEL_KEY = 'ot';
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const SUB_KEY_VALUE = /^[a-z][a-z0-9]*:[A-Za-z0-9._-]*$/;
const OPTIONAL_WHITESPACE = /^[ \t]+|[ \t]+$/g;
/** 56 bits, all of them written. */
const RANDOMNESS = /^[0-9a-f]{14}$/;

/** Members in order, the newest first. */
type Members = Map<string, string>;

/** The upper 32 of the 56 bits that decide, where the caller says them (`rv`); they replace those of the trace id. */
export function explicitRandomness(header: string): number | undefined {
  const subKeys = subKeysOf(parseMembers(header)?.get(OTEL_KEY));
  const text = subKeys.get('rv');
  return text !== undefined && RANDOMNESS.test(text) ? Number.parseInt(text.slice(0, 8), 16) : undefined;
}

/** The header as it goes on when nothing about the probability changes; empty when there was nothing to keep. */
export function passedOn(header: string): string {
  return formatMembers(parseMembers(header) ?? new Map());
}

/**
 * The header for a trace that was chosen here by probability (`th` from `encodeTh`), or whose probability is not known
 * (undefined): what the caller said of it no longer holds. `ot` goes first when it changes. Empty when nothing is left.
 */
export function withThreshold(header: string, th: string | undefined): string {
  const members = parseMembers(header) ?? new Map<string, string>();
  const before = members.get(OTEL_KEY);
  const subKeys = subKeysOf(before);
  subKeys.delete('th');
  const after = formatSubKeys(th === undefined ? subKeys : new Map([['th', th], ...subKeys]), th);
  if (after === before) return formatMembers(members);
  members.delete(OTEL_KEY);
  return formatMembers(after === '' ? members : new Map([[OTEL_KEY, after], ...members]));
}

function parseMembers(header: string): Members | undefined {
  if (header.length > MAX_TRACE_STATE_BYTES) return undefined;
  const members: Members = new Map();
  let count = 0;
  for (const item of header.split(',')) {
    const member = item.replace(OPTIONAL_WHITESPACE, '');
    // Members may be empty (section 3.3.1.1).
    if (member === '') continue;
    const separator = member.indexOf('=');
    const key = member.slice(0, Math.max(separator, 0));
    const value = member.slice(separator + 1);
    count += 1;
    if (count > MAX_MEMBERS || !KEY.test(key) || !VALUE.test(value)) return undefined;
    // Of one key twice, the newer is in front.
    if (!members.has(key)) members.set(key, value);
  }
  return members;
}

function formatMembers(members: Members): string {
  const texts = [...members].map(([key, value]) => `${key}=${value}`).slice(0, MAX_MEMBERS);
  let length = texts.reduce((sum, text) => sum + text.length + 1, -1);
  const dropLast = (isDropped: (text: string) => boolean): void => {
    for (let index = texts.length - 1; index >= 0 && length > MAX_KEPT_BYTES; index -= 1) {
      if (!isDropped(texts[index]!)) continue;
      length -= texts[index]!.length + 1;
      texts.splice(index, 1);
    }
  };
  dropLast((text) => text.length > LARGE_MEMBER_BYTES);
  dropLast(() => true);
  return texts.join(',');
}

/** Those of `ot=th:…;rv:…`; none when one of them is malformed. */
function subKeysOf(value: string | undefined): Map<string, string> {
  const items = value === undefined ? [] : value.split(';');
  if (!items.every((item) => SUB_KEY_VALUE.test(item))) return new Map();
  return new Map(items.map((item) => [item.slice(0, item.indexOf(':')), item.slice(item.indexOf(':') + 1)]));
}

function formatSubKeys(subKeys: ReadonlyMap<string, string>, th: string | undefined): string {
  const text = [...subKeys].map(([key, value]) => `${key}:${value}`).join(';');
  if (text.length <= MAX_VALUE_BYTES) return text;
  return th === undefined ? '' : `th:${th}`;
}
