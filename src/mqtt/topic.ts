import { ReasonCode } from './reason-code.ts';
import { isWellFormedUtf8 } from './utf8.ts';

const NUMBER_SIGN = 0x23;
const PLUS_SIGN = 0x2b;
const SHARE_PREFIX = '$share/';

/** `success`, or why these bytes are no topic name. */
export function validateTopicName(buffer: Uint8Array, start: number, end: number): ReasonCode {
  if (!isWellFormedUtf8(buffer, start, end)) return ReasonCode.malformedPacket;
  // [MQTT-4.7.3-1] at least one character.
  if (start === end) return ReasonCode.topicNameInvalid;
  for (let position = start; position < end; position++) {
    const byte = buffer[position];
    // [MQTT-3.3.2-2] no wildcards. Bytes of multi-byte characters are all above 0x7f.
    if (byte === NUMBER_SIGN || byte === PLUS_SIGN) return ReasonCode.topicNameInvalid;
  }
  return ReasonCode.success;
}

export function splitLevels(topic: string): string[] {
  return topic.split('/');
}

/** Whether wildcards stand alone in their level and `#` only in the last [MQTT-4.7.1-1] [MQTT-4.7.1-2]. */
export function isValidTopicFilter(filter: string): boolean {
  if (filter === '' || filter.includes('\0')) return false;
  if (!/[#+]/.test(filter)) return true;
  const levels = splitLevels(filter);
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || !/[#+]/.test(level);
  });
}

/**
 * Whether a valid filter covers a topic name. For one question; the router's trie answers many. A `$` in front is not
 * covered by a wildcard there [MQTT-4.7.2-1], and `a/#` covers `a` too (MQTT 5 section 4.7.1.2).
 */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('#') || filter.startsWith('+'))) return false;
  const filterLevels = splitLevels(filter);
  const topicLevels = splitLevels(topic);
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return true;
    if (index >= topicLevels.length) return false;
    if (level !== '+' && level !== topicLevels[index]) return false;
  }
  return filterLevels.length === topicLevels.length;
}

export type ParsedFilter =
  | { readonly type: 'plain'; readonly filter: string }
  | { readonly type: 'shared'; readonly group: string; readonly filter: string }
  | { readonly type: 'invalid' };

/**
 * `$share/{group}/{filter}`, where the group is not empty and has no `/`, `+` or `#` [MQTT-4.8.2-1] [MQTT-4.8.2-2], or
 * a plain filter.
 */
export function parseSharedFilter(filter: string): ParsedFilter {
  if (!filter.startsWith(SHARE_PREFIX)) {
    return isValidTopicFilter(filter) ? { type: 'plain', filter } : { type: 'invalid' };
  }
  const groupEnd = filter.indexOf('/', SHARE_PREFIX.length);
  if (groupEnd === -1) return { type: 'invalid' };
  const group = filter.slice(SHARE_PREFIX.length, groupEnd);
  const inner = filter.slice(groupEnd + 1);
  if (group === '' || /[#+]/.test(group) || !isValidTopicFilter(inner)) return { type: 'invalid' };
  return { type: 'shared', group, filter: inner };
}
