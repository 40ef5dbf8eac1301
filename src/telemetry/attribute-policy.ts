import { createHmac } from 'node:crypto';

/** `hash`: HMAC-SHA-256 in hex, so that equal values can be recognised and not read. */
export type Disclosure = 'omit' | 'hash' | 'plain';

/** What spans say of people and of what they send. */
export interface AttributePolicy {
  readonly userName: Disclosure;
  /** Of exported spans; whoever asks the broker itself asks by client id and is answered so. */
  readonly clientId: 'hash' | 'plain';
  readonly payload: Disclosure;
  readonly payloadMaxBytes: number;
  /** Names of the user properties that are told. */
  readonly userProperties: readonly string[];
  readonly userPropertyValues: 'hash' | 'plain';
  readonly hashKey: string;
}

/** The defaults of configuration: client ids, and nothing else of anybody. */
export const DISCREET: AttributePolicy = {
  userName: 'omit',
  clientId: 'plain',
  payload: 'omit',
  payloadMaxBytes: 256,
  userProperties: [],
  userPropertyValues: 'plain',
  hashKey: '',
};

export function hashed({ hashKey }: Pick<AttributePolicy, 'hashKey'>, value: Uint8Array | string): string {
  return createHmac('sha256', hashKey).update(value).digest('hex');
}
