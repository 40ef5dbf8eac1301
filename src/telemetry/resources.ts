import {
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import { ROLES, type Role } from './catalogue.ts';

export type Resources = Readonly<Record<Role, Resource>>;

export interface ResourceOptions {
  /** Prefix of every role's `service.name`. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Tells this process from others of the same service. */
  readonly serviceInstanceId: string;
  readonly deploymentEnvironment: string;
}

/** The attribute's name before and since semantic conventions 1.27: backends ask for either. */
const ATTR_DEPLOYMENT_ENVIRONMENT = 'deployment.environment';
const ATTR_DEPLOYMENT_ENVIRONMENT_NAME = 'deployment.environment.name';

/**
 * One resource for each role. `OTEL_RESOURCE_ATTRIBUTES` wins over the options; `OTEL_SERVICE_NAME`, and after it the
 * variable's `service.name`, is the prefix that the roles are appended to.
 */
export function resourcesFrom(
  options: ResourceOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Resources {
  const fromVariable = detectResources({ detectors: [resourceAttributesEnvDetector] });
  const given = fromVariable.attributes;
  const prefix = environment.OTEL_SERVICE_NAME?.trim() || textOf(given[ATTR_SERVICE_NAME]) || options.serviceName;
  const deployment =
    textOf(given[ATTR_DEPLOYMENT_ENVIRONMENT_NAME]) ??
    textOf(given[ATTR_DEPLOYMENT_ENVIRONMENT]) ??
    options.deploymentEnvironment;
  const shared = resourceFromAttributes({
    [ATTR_SERVICE_NAMESPACE]: 'robustmq',
    [ATTR_SERVICE_VERSION]: options.serviceVersion,
    [ATTR_SERVICE_INSTANCE_ID]: options.serviceInstanceId,
  }).merge(fromVariable);
  const ofRole = (role: Role) =>
    shared.merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: serviceNameOf(prefix, role),
        [ATTR_DEPLOYMENT_ENVIRONMENT]: deployment,
        [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: deployment,
      }),
    );
  return Object.fromEntries(ROLES.map((role) => [role, ofRole(role)])) as Record<Role, Resource>;
}

function serviceNameOf(prefix: string, role: Role): string {
  return `${prefix}-${role}`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
