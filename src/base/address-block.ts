import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * Whether an address lies in `block`, one IP address or a CIDR block such as `10.0.0.0/8`; undefined when it is neither.
 * An IPv4 address that comes as `::ffff:…` counts as itself.
 */
export function addressBlock(block: string): ((address: string) => boolean) | undefined {
  const [network = '', prefix, ...rest] = block.split('/');
  const family = isIPv4(network) ? 'ipv4' : isIPv6(network) && !network.includes('%') ? 'ipv6' : undefined;
  const longest = family === 'ipv4' ? 32 : 128;
  const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (family === undefined || length < 0 || length > longest || rest.length > 0) return undefined;
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return (address) => {
    if (isIPv4(address)) return list.check(address, 'ipv4');
    // A link-local address comes with the name of its interface, which is no part of any block.
    const [unzoned = ''] = address.split('%', 1);
    return isIPv6(unzoned) && list.check(unzoned, 'ipv6');
  };
}
