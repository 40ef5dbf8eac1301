import { ATTRIBUTES, type AttributeDefinition } from './attributes.ts';
import type { Numbered } from './numbered.ts';

/** Each role is a service of its own in the trace (`service.name` = prefix + role), even when one process plays all. */
export const ROLES = ['broker', 'placement', 'journal'] as const;
export type Role = (typeof ROLES)[number];

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** An attribute of a span, and when it has it; empty: always. */
export interface SpanAttributeRule {
  readonly attribute: AttributeDefinition;
  readonly when: string;
}

/** An attribute that is the same on every span of a name. */
export type ConstantAttribute = readonly [attribute: AttributeDefinition, value: string];

export interface SpanEntry {
  readonly name: string;
  readonly kind: SpanKind;
  readonly role: Role;
  readonly description: string;
  /** Names of the spans it can lie below; none: it begins what the broker knows of a trace. */
  readonly parents: readonly string[];
  /** It may begin what the broker knows of a trace, also where it has parents. */
  readonly begins: boolean;
  readonly attributes: readonly SpanAttributeRule[];
  readonly constants: readonly ConstantAttribute[];
}
export type SpanDefinition = Numbered<SpanEntry>;

export const always = (...attributes: readonly AttributeDefinition[]): SpanAttributeRule[] =>
  attributes.map((attribute) => ({ attribute, when: '' }));

export const when = (condition: string, ...attributes: readonly AttributeDefinition[]): SpanAttributeRule[] =>
  attributes.map((attribute) => ({ attribute, when: condition }));

export const FAILS = when('it failed', ATTRIBUTES.errorType, ATTRIBUTES.errorMessage);
export const BEGINS = when('it is the first span of an exported trace', ATTRIBUTES.samplingReason);

/**
 * Attributes under the names of OpenTelemetry's messaging and network conventions, with what they repeat. A span of these
 * conventions (one with `messaging.system`) that has the one has the other.
 */
export const CONVENTIONAL_NAMES: readonly (readonly [own: AttributeDefinition, conventional: AttributeDefinition])[] = [
  [ATTRIBUTES.mqttClientId, ATTRIBUTES.messagingClientId],
  [ATTRIBUTES.mqttTopic, ATTRIBUTES.messagingDestinationName],
  [ATTRIBUTES.mqttPayloadSize, ATTRIBUTES.messagingMessageBodySize],
  [ATTRIBUTES.mqttProtocolVersion, ATTRIBUTES.networkProtocolVersion],
];

const IS_MQTT: ConstantAttribute = [ATTRIBUTES.messagingSystem, 'mqtt'];

/** `messaging.operation.type` of the conventions: absent for packets that are none of its operations. */
export function messaging(operation: string, type?: 'send' | 'settle'): ConstantAttribute[] {
  const named: ConstantAttribute[] = [IS_MQTT, [ATTRIBUTES.messagingOperationName, operation]];
  return type === undefined ? named : [...named, [ATTRIBUTES.messagingOperationType, type]];
}

export const overMqtt: readonly ConstantAttribute[] = [
  [ATTRIBUTES.networkTransport, 'tcp'],
  [ATTRIBUTES.networkProtocolName, 'mqtt'],
];

/** Adds what the conventions name a second time. */
export function withConventions(entry: SpanEntry): SpanEntry {
  if (!entry.constants.includes(IS_MQTT)) return entry;
  const attributes = entry.attributes.flatMap((rule) => {
    const twin = CONVENTIONAL_NAMES.find(([own]) => own === rule.attribute);
    return twin === undefined ? [rule] : [rule, { attribute: twin[1], when: rule.when }];
  });
  return { ...entry, attributes };
}
