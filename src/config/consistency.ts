import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Problem } from './config-error.ts';
import { type Config, type ListenerConfig, ROLES } from './schema.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  if (isIPv4(address)) return loopback.check(address, 'ipv4');
  if (isIPv6(address)) return loopback.check(address, 'ipv6');
  return address.toLowerCase() === 'localhost';
}

const isAuthenticationConfigured = (config: Config): boolean => config.authentication.passwordFile !== undefined;

/** Whether a client may connect to this listener without credentials. */
export const allowsAnonymous = (config: Config, listener: ListenerConfig): boolean =>
  listener.allowAnonymous ?? (isLoopback(listener.address) && !isAuthenticationConfigured(config));

/** What no single key shows to be wrong. */
export function checkConsistency(config: Config): Problem[] {
  return [
    ...checkRoles(config),
    ...checkAccess(config),
    ...checkNames(config),
    ...checkPorts(config),
    ...checkRetention(config),
  ];
}

/** A process with some of the roles would need to reach the others over the network, which it cannot. */
function checkRoles({ roles }: Config): Problem[] {
  const missing = ROLES.filter((role) => !roles.includes(role));
  if (missing.length === 0) return [];
  const sentence = `roles lacks ${missing.join(' and ')}: this version runs all of ${ROLES.join(', ')} in one process`;
  return [{ key: 'roles', sentence }];
}

function checkAccess(config: Config): Problem[] {
  if (isAuthenticationConfigured(config)) return [];
  return config.listeners.flatMap((listener, index) => {
    const key = `listeners.${index}.allow_anonymous`;
    const where = `listener "${listener.name}" on ${listener.address}`;
    if (listener.allowAnonymous === false)
      return [
        {
          key,
          sentence: `${key} = false: nobody could connect to ${where} without authentication; set authentication.password_file`,
        },
      ];
    if (listener.allowAnonymous === true || isLoopback(listener.address)) return [];
    return [
      {
        key,
        sentence: [
          `${where} would let anyone on the network in:`,
          'either configure authentication (authentication.password_file; `robustmq passwd` writes the file),',
          `or say ${key} = true if that is meant`,
        ].join(' '),
      },
    ];
  });
}

function checkNames(config: Config): Problem[] {
  return repeated(config.listeners.map(({ name }) => name)).map((index) => ({
    key: `listeners.${index}.name`,
    sentence: `listeners.${index}.name = "${config.listeners[index]!.name}": another listener has this name; names must be unique`,
  }));
}

function checkPorts(config: Config): Problem[] {
  const endpoints = config.listeners.map(({ address, port }, index) => ({
    key: `listeners.${index}.port`,
    address,
    port,
  }));
  if (config.admin.enabled)
    endpoints.push({ key: 'admin.port', address: config.admin.address, port: config.admin.port });
  // Port 0 asks the system for a free one, so any number of sockets may have it.
  const fixed = endpoints.filter(({ port }) => port !== 0);
  return repeated(fixed.map(({ address, port }) => `${address} ${port}`)).map((index) => {
    const { key, address, port } = fixed[index]!;
    return { key, sentence: `${key} = ${port}: already taken on ${address} by another key of this configuration` };
  });
}

function checkRetention({ journal }: Config): Problem[] {
  const { retentionBytes, retentionHardBytes } = journal;
  if (retentionHardBytes === 0 || retentionHardBytes >= retentionBytes) return [];
  const key = 'journal.retention_hard_bytes';
  return [
    {
      key,
      sentence: `${key} = ${retentionHardBytes}: must be 0 or at least journal.retention_bytes (${retentionBytes})`,
    },
  ];
}

/** Indexes of the values that an earlier one equals. */
const repeated = (values: readonly string[]): number[] =>
  values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
