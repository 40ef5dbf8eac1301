import type { Problem } from './config-error.ts';
import { exportersFromOpenTelemetry } from './open-telemetry-exporters.ts';
import { type Setting, settingFromText } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'ROBUSTMQ_';
/** Read by the command line itself: where the configuration file is, and where `robustmq trace` finds the broker. */
const NOT_KEYS = new Set(['ROBUSTMQ_CONFIG', 'ROBUSTMQ_ADMIN_URL']);

export const variableName = (path: readonly string[]): string => PREFIX + path.join('__').toUpperCase();

/** `ROBUSTMQ_MQTT__MAX_QOS=1` sets `mqtt.max_qos`. */
export function settingsFromEnvironment(environment: Environment): Setting[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (value === undefined || !name.startsWith(PREFIX) || NOT_KEYS.has(name)) return [];
    if (isServiceLink(name, value)) return [];
    const path = name.slice(PREFIX.length).toLowerCase().split('__');
    return [settingFromText(path, value, name)];
  });
}

/**
 * Kubernetes gives every container variables for the services beside it; a service called "robustmq" makes
 * ROBUSTMQ_SERVICE_HOST, ROBUSTMQ_PORT=tcp://… and so on, which are not meant for us.
 */
function isServiceLink(name: string, value: string): boolean {
  if (name.includes('__')) return false;
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value);
}

/**
 * OpenTelemetry's own variables. They win over the file, as a variable set on a deployment is expected to win over what
 * was baked into it, and lose to ROBUSTMQ_ variables and flags, which name the key outright. Empty means not set
 * (OpenTelemetry specification, "Environment Variable Specification").
 */
export function settingsFromOpenTelemetry(environment: Environment): { settings: Setting[]; problems: Problem[] } {
  const { settings, problems } = exportersFromOpenTelemetry(environment);
  const { OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG } = environment;
  if (OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') settings.push(...DISABLED);
  if (OTEL_SERVICE_NAME)
    settings.push({
      path: ['telemetry', 'resource', 'service_name'],
      value: OTEL_SERVICE_NAME,
      source: 'OTEL_SERVICE_NAME',
    });
  if (OTEL_TRACES_SAMPLER) {
    const rate = samplingRate(OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG);
    const source = 'OTEL_TRACES_SAMPLER';
    if (typeof rate === 'number')
      settings.push(
        { path: ['telemetry', 'sampling', 'rate'], value: rate, source },
        { path: ['telemetry', 'sampling', 'follow_parent'], value: isParentBased(OTEL_TRACES_SAMPLER), source },
      );
    else problems.push({ key: 'telemetry.sampling.rate', sentence: rate });
  }
  return { settings, problems };
}

/** "Disable the SDK for all signals." */
const DISABLED: readonly Setting[] = [
  { path: ['telemetry', 'enable'], value: false, source: 'OTEL_SDK_DISABLED' },
  { path: ['telemetry', 'metrics_exporter'], value: 'none', source: 'OTEL_SDK_DISABLED' },
  { path: ['telemetry', 'logs_exporter'], value: 'none', source: 'OTEL_SDK_DISABLED' },
];

const PARENT_BASED = 'parentbased_';

function isParentBased(sampler: string): boolean {
  return sampler.startsWith(PARENT_BASED);
}

function samplingRate(sampler: string, argument: string | undefined): number | string {
  switch (isParentBased(sampler) ? sampler.slice(PARENT_BASED.length) : sampler) {
    case 'always_on':
      return 1;
    case 'always_off':
      return 0;
    case 'traceidratio': {
      const rate = argument ? Number(argument) : 1;
      if (rate >= 0 && rate <= 1) return rate;
      return `OTEL_TRACES_SAMPLER_ARG = ${JSON.stringify(argument)}: must be a number from 0 to 1`;
    }
    default:
      return `OTEL_TRACES_SAMPLER = ${JSON.stringify(sampler)}: must be [parentbased_]always_on, always_off or traceidratio`;
  }
}
