import { type Command, InvalidArgumentError } from 'commander';
import { adminOption } from './admin-client.ts';

export interface CommonOptions {
  readonly url: string;
  readonly json?: boolean;
}

export interface FilterOptions extends CommonOptions {
  readonly client?: string;
  readonly topic?: string;
  readonly user?: string;
  readonly address?: string;
  readonly minDuration?: number;
  readonly error?: boolean;
}

export function addCommonOptions(command: Command): Command {
  return command.addOption(adminOption()).option('--json', 'print JSON with everything, one trace a line');
}

export function addFilterOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--client <id>', 'only traces in which this client took part; * stands for any characters')
    .option('--topic <filter>', 'only traces of topics that match this MQTT topic filter')
    .option('--user <name>', 'only traces of messages of or to this user')
    .option('--address <block>', 'only traces of clients at this IP address or CIDR block')
    .option('--min-duration <ms>', 'only traces that took at least so many milliseconds', milliseconds)
    .option('--error', 'only traces in which something failed');
}

export function filterQuery({ client, topic, user, address, minDuration, error }: FilterOptions) {
  return { clientId: client, topic, user, address, minDurationMs: minDuration, error };
}

/** Unix milliseconds of `5m` (ago) or of an ISO 8601 time. */
export function sinceTime(text: string, now: number): number {
  const agoMs = durationMs(text);
  if (agoMs !== undefined) return now - agoMs;
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new InvalidArgumentError(`--since ${text}: expected 30s, 5m, 2h, 1d or an ISO 8601 time.`);
}

/** Milliseconds of `30s`, `5m`, `2h` or `1d`; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * UNIT_MS[parts[2] as keyof typeof UNIT_MS];
}
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}

function milliseconds(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number of milliseconds.');
}
