import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_PREFIX = '::ffff:';
const NETWORK_GROUPS = 4;

/**
 * What counts as one address where connections are counted: an IPv4 address (also one written as `::ffff:192.0.2.1`), or
 * the first 64 bits of an IPv6 address, because whoever has one of its addresses has all 2^64.
 */
export function addressGroup(address: string): string {
  const unmapped = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : address;
  if (isIPv4(unmapped)) return unmapped;
  if (!isIPv6(address)) return address;
  return networkOf(address.split('%', 1)[0]!);
}

/** `2001:db8:0:1::/64` for any way to write an address in it. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const rest = groupsOf(tail);
    // A dotted quad at the end stands for two groups; the network is never in them.
    const restGroups = rest.length + (rest.at(-1)?.includes('.') === true ? 1 : 0);
    groups.push(...Array<string>(8 - groups.length - restGroups).fill('0'), ...rest);
  }
  return `${groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}
