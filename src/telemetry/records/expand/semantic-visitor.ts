import { type AttributePolicy, hashed } from '../../attribute-policy.ts';
import {
  ATTRIBUTES,
  type AttributeDefinition,
  CONVENTIONAL_NAMES,
  SPANS,
  type SpanDefinition,
} from '../../catalogue.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from '../span-visitor.ts';
import { slice } from './record-source.ts';

const MAX_REMEMBERED_HASHES = 4096;
const SLASH = 0x2f;

interface ConstantText {
  readonly attribute: AttributeDefinition;
  readonly value: TextSlice;
}

/** By the span's id. */
const constants: ConstantText[][] = [];
const hasConventionalNames: boolean[] = [];
/** By the attribute's id. */
const conventionalNames: (AttributeDefinition | undefined)[] = [];
for (const definition of Object.values(SPANS)) {
  constants[definition.id] = definition.constants.map(([attribute, value]) => ({ attribute, value: slice(value) }));
  hasConventionalNames[definition.id] = definition.constants.some(([key]) => key === ATTRIBUTES.messagingSystem);
}
for (const { id } of Object.values(ATTRIBUTES)) conventionalNames[id] = undefined;
for (const [own, conventional] of CONVENTIONAL_NAMES) conventionalNames[own.id] = conventional;

/**
 * Adds to every span what the catalogue says of all spans of its name, and the names that conventions have for what it says
 * itself; lets out of what concerns people only what the policy allows.
 */
export class SemanticVisitor implements SpanVisitor {
  readonly #policy: AttributePolicy;
  readonly #hashes = new Map<string, TextSlice>();
  #visitor: SpanVisitor | undefined;
  #isConventional = false;

  constructor(policy: AttributePolicy) {
    this.#policy = policy;
  }

  /** From now on spans are shown on to this one. */
  onto(visitor: SpanVisitor): this {
    this.#visitor = visitor;
    return this;
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    const visitor = this.#visitor!;
    visitor.begin(definition, identity, startedAt, endedAt);
    for (const { attribute, value } of constants[definition.id]!) visitor.text(attribute, value);
    this.#isConventional = hasConventionalNames[definition.id]!;
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    if (attribute === ATTRIBUTES.userName) this.#showUser(value);
    else if (attribute === ATTRIBUTES.mqttClientId && this.#policy.clientId === 'hash')
      this.#showText(attribute, this.#hash(value));
    else if (attribute === ATTRIBUTES.dbKey && this.#policy.clientId === 'hash')
      this.#showText(attribute, this.#hashedKey(value));
    else this.#showText(attribute, value);
  }

  number(attribute: AttributeDefinition, value: number): void {
    this.#visitor!.number(attribute, value);
    const conventional = this.#isConventional ? conventionalNames[attribute.id] : undefined;
    if (conventional !== undefined) this.#visitor!.number(conventional, value);
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    this.#visitor!.textItem(attribute, value);
  }

  link(words: Uint32Array, isSampled: boolean): void {
    this.#visitor!.link(words, isSampled);
  }

  dropped(attributes: number, links: number): void {
    this.#visitor!.dropped(attributes, links);
  }

  traceState(value: TextSlice): void {
    this.#visitor!.traceState(value);
  }

  fail(message: TextSlice): void {
    this.#visitor!.fail(message);
  }

  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    this.#visitor!.exception(type, message, stacktrace);
  }

  end(): void {
    this.#visitor!.end();
  }

  #showText(attribute: AttributeDefinition, value: TextSlice): void {
    this.#visitor!.text(attribute, value);
    const conventional = this.#isConventional ? conventionalNames[attribute.id] : undefined;
    if (conventional !== undefined) this.#visitor!.text(conventional, value);
  }

  #showUser(name: TextSlice): void {
    const { userName } = this.#policy;
    if (userName === 'omit' || name.end === name.start) return;
    if (userName === 'hash') this.#visitor!.text(ATTRIBUTES.userHash, this.#hash(name));
    else this.#visitor!.text(ATTRIBUTES.userName, name);
  }

  /** A session lies under `session/` and its client id. */
  #hashedKey(key: TextSlice): TextSlice {
    const at = key.bytes.indexOf(SLASH, key.start) + 1;
    if (at === 0 || at >= key.end) return key;
    const hash = this.#hash({ ...key, start: at });
    const bytes = Buffer.concat([key.bytes.subarray(key.start, at), hash.bytes.subarray(hash.start, hash.end)]);
    return { bytes, start: 0, end: bytes.length };
  }

  #hash({ bytes, start, end }: TextSlice): TextSlice {
    const value = bytes.subarray(start, end);
    const key = Buffer.from(value).toString('latin1');
    let hash = this.#hashes.get(key);
    if (hash === undefined) {
      if (this.#hashes.size >= MAX_REMEMBERED_HASHES) this.#hashes.clear();
      hash = slice(hashed(this.#policy, value));
      this.#hashes.set(key, hash);
    }
    return hash;
  }
}
