import { parseSharedFilter } from './topic.ts';

/*
 * A mount point is put in front of every topic of the clients of a listener, and taken off what they are sent: below it
 * they are by themselves. It ends with `/`, so that a filter stays one, and does not begin with `$`. Topics below $SYS
 * are the broker's own and the same for everybody.
 */

const SYSTEM = '$SYS';
const SYSTEM_PREFIX = `${SYSTEM}/`;
const DOLLAR_SIGN = 0x24;

/** `mountPoint` may be empty, here and below. */
export function mountTopic(mountPoint: string, topic: string): string {
  return mountPoint === '' || isSystem(topic) ? topic : mountPoint + topic;
}

/** A filter, plain or `$share/{group}/{filter}`; one that is not valid remains so. */
export function mountFilter(mountPoint: string, filter: string): string {
  if (mountPoint === '') return filter;
  const parsed = parseSharedFilter(filter);
  if (parsed.type === 'invalid') return filter;
  const mounted = mountTopic(mountPoint, parsed.filter);
  return parsed.type === 'shared' ? `$share/${parsed.group}/${mounted}` : mounted;
}

/** Writes the topic that lies at `[start, end)` with its mount point to `out`; returns its length there. */
export function writeMounted(mountPoint: string, bytes: Buffer, start: number, end: number, out: Buffer): number {
  const isMounted = bytes[start] !== DOLLAR_SIGN || !isSystem(bytes.toString('latin1', start, end));
  const at = isMounted ? out.write(mountPoint) : 0;
  return at + bytes.copy(out, at, start, end);
}

function isSystem(topic: string): boolean {
  return topic === SYSTEM || topic.startsWith(SYSTEM_PREFIX);
}
