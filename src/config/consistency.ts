import { checkAccess } from './access-consistency.ts';
import type { Problem } from './config-error.ts';
import { checkSampling } from './sampling-consistency.ts';
import { type Config, ROLES } from './schema.ts';
import { checkTransports } from './transport-consistency.ts';

/** What no single key shows to be wrong. */
export function checkConsistency(config: Config): Problem[] {
  return [
    ...checkRoles(config),
    ...checkAccess(config),
    ...checkNames(config),
    ...checkMountPoints(config),
    ...checkPorts(config),
    ...checkTransports(config),
    ...checkRetention(config),
    ...checkSampling(config),
  ];
}

/** A process with some of the roles would need to reach the others over the network, which it cannot. */
function checkRoles({ roles }: Config): Problem[] {
  const missing = ROLES.filter((role) => !roles.includes(role));
  if (missing.length === 0) return [];
  const sentence = `roles lacks ${missing.join(' and ')}: this version runs all of ${ROLES.join(', ')} in one process`;
  return [{ key: 'roles', sentence }];
}

function checkNames(config: Config): Problem[] {
  return repeated(config.listeners.map(({ name }) => name)).map((index) => ({
    key: `listeners.${index}.name`,
    sentence: `listeners.${index}.name = "${config.listeners[index]!.name}": another listener has this name; names must be unique`,
  }));
}

/** With it in front, a topic must remain a topic and a filter a filter. */
function checkMountPoints({ listeners, mqtt }: Config): Problem[] {
  return listeners.flatMap(({ mountPoint }, index) => {
    if (mountPoint === undefined) return [];
    const key = `listeners.${index}.mount_point`;
    const told = `${key} = ${JSON.stringify(mountPoint)}`;
    if (!/^(?!\$)[^+#]*\/$/.test(mountPoint))
      return [{ key, sentence: `${told}: must end with /, not begin with $, and hold neither + nor #` }];
    if (Buffer.byteLength(mountPoint) >= mqtt.maxTopicBytes)
      return [{ key, sentence: `${told}: must be shorter than mqtt.max_topic_bytes (${mqtt.maxTopicBytes})` }];
    return [];
  });
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
