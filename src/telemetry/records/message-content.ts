import { combinedUserProperty } from '../../mqtt/user-property.ts';
import { type AttributePolicy, hashed } from '../attribute-policy.ts';
import { ATTRIBUTES } from '../catalogue.ts';
import { boundedValue, MAX_STRING_LENGTH } from '../span-limits.ts';
import type { ExtraEntries } from './extra-entries.ts';
import type { MessageEntry } from './message-entry.ts';
import type { MessageRecorder } from './message-recorder.ts';

/** Byte ranges of a message: what MQTT 5 calls its properties, without their length, and its payload. */
export interface ContentRanges {
  readonly properties: Uint8Array;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
  readonly payload: Uint8Array;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** Records what messages hold, as far as the policy lets anybody know: hashed here, so that the rest never leaves the message. */
export class MessageContent {
  /** Each message is to be looked into. */
  readonly tellsPayloads: boolean;
  readonly #policy: AttributePolicy;
  readonly #names: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly #messages: MessageRecorder;

  constructor(policy: AttributePolicy, messages: MessageRecorder) {
    this.tellsPayloads = policy.payload !== 'omit';
    this.#policy = policy;
    this.#names = policy.userProperties.map((name) => [name, Buffer.from(name)]);
    this.#messages = messages;
  }

  record(entry: MessageEntry, ranges: ContentRanges): void {
    const properties = this.#propertiesOf(ranges);
    if (properties.length === 0 && !this.tellsPayloads) return;
    this.#messages.describe(entry, (extra) => {
      if (properties.length > 0) extra.attribute(ATTRIBUTES.mqttUserProperties, boundedValue(properties));
      if (this.tellsPayloads) this.#addPayload(extra, ranges);
    });
  }

  #addPayload(extra: ExtraEntries, { payload, payloadStart, payloadEnd }: ContentRanges): void {
    const policy = this.#policy;
    const bytes = payload.subarray(payloadStart, payloadEnd);
    if (policy.payload === 'hash') extra.attribute(ATTRIBUTES.mqttPayloadHash, hashed(policy, bytes));
    else extra.attribute(ATTRIBUTES.mqttPayload, beginningOf(bytes, policy.payloadMaxBytes));
  }

  #propertiesOf({ properties, propertiesStart: start, propertiesEnd: end }: ContentRanges): string[] {
    if (this.#names.length === 0 || start === end) return [];
    return this.#names.flatMap(([name, bytes]) => {
      const value = combinedUserProperty(properties, start, end, bytes, MAX_STRING_LENGTH);
      return value === '' ? [] : [`${name}=${this.#valueOf(value)}`];
    });
  }

  #valueOf(value: string): string {
    return this.#policy.userPropertyValues === 'hash' ? hashed(this.#policy, value) : value;
  }
}

/** Undefined where nothing of a message is told. */
export function messageContent(policy: AttributePolicy, messages: MessageRecorder): MessageContent | undefined {
  const tells = policy.payload !== 'omit' || policy.userProperties.length > 0;
  return tells ? new MessageContent(policy, messages) : undefined;
}

/** Text up to the last whole letter, or Base64 where it is no UTF-8. */
function beginningOf(payload: Uint8Array, maxBytes: number): string {
  const shown = payload.subarray(0, maxBytes);
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(shown, { stream: shown.length < payload.length });
  } catch {
    return Buffer.from(shown).toString('base64');
  }
}
