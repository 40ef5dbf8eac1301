import type { AttributeDefinition, SpanDefinition } from '../catalogue.ts';
import type { FinishedSpan, SpanAttribute, SpanLink, ThrownError } from '../finished-span.ts';
import type { AttributeValue } from '../recorder.ts';
import { spanIdOf, traceIdOf } from '../trace-context.ts';
import { stringOf } from './expand/record-source.ts';
import type { SpanIdentity, SpanVisitor, TextSlice } from './span-visitor.ts';

const PARENT_AT = 8;

/** Collects what it is shown as objects: for people and tests, not for export. */
export class FinishedSpanBuilder implements SpanVisitor {
  spans: FinishedSpan[] = [];
  #span: Omit<FinishedSpan, 'attributes' | 'links' | 'failure'> | undefined;
  #attributes: SpanAttribute[] = [];
  #links: SpanLink[] = [];
  #message: string | undefined;
  #thrown: ThrownError | null = null;
  #droppedAttributes = 0;
  #droppedLinks = 0;

  /** The spans so far, and begins anew. */
  take(): FinishedSpan[] {
    const { spans } = this;
    this.spans = [];
    return spans;
  }

  begin(definition: SpanDefinition, identity: SpanIdentity, startedAt: number, endedAt: number): void {
    const { words, isParentRemote, isEntry } = identity;
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    const hasParent = words[6] !== 0 || words[7] !== 0;
    this.#span = {
      definition,
      traceId: traceIdOf(bytes),
      spanId: spanIdOf(bytes),
      parent: hasParent
        ? { type: isParentRemote ? 'remote' : 'local', spanId: spanIdOf(bytes, PARENT_AT) }
        : { type: 'none' },
      isEntry,
      startedAt,
      endedAt,
      droppedAttributes: 0,
      droppedLinks: 0,
    };
    this.#attributes = [];
    this.#links = [];
    this.#message = undefined;
    this.#thrown = null;
    this.#droppedAttributes = 0;
    this.#droppedLinks = 0;
  }

  text(attribute: AttributeDefinition, value: TextSlice): void {
    this.#set(attribute, stringOf(value));
  }

  number(attribute: AttributeDefinition, value: number): void {
    this.#set(attribute, attribute.type === 'boolean' ? value !== 0 : value);
  }

  textItem(attribute: AttributeDefinition, value: TextSlice): void {
    const list = this.#attributes.find(({ definition }) => definition === attribute);
    if (list === undefined) this.#set(attribute, [stringOf(value)]);
    else list.value = [...(list.value as readonly string[]), stringOf(value)];
  }

  link(words: Uint32Array, isSampled: boolean): void {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#links.push({ traceId: traceIdOf(bytes), spanId: spanIdOf(bytes), sampled: isSampled });
  }

  dropped(attributes: number, links: number): void {
    this.#droppedAttributes = attributes;
    this.#droppedLinks = links;
  }

  traceState(): void {}

  fail(message: TextSlice): void {
    this.#message = stringOf(message);
  }

  exception(type: TextSlice, message: TextSlice, stacktrace: TextSlice): void {
    const stack = stringOf(stacktrace);
    this.#thrown = { type: stringOf(type), message: stringOf(message), stacktrace: stack === '' ? null : stack };
  }

  end(): void {
    this.spans.push({
      ...this.#span!,
      attributes: this.#attributes,
      links: this.#links,
      droppedAttributes: this.#droppedAttributes,
      droppedLinks: this.#droppedLinks,
      failure: this.#message === undefined ? null : { message: this.#message, thrown: this.#thrown },
    });
  }

  #set(definition: AttributeDefinition, value: AttributeValue): void {
    this.#attributes.push({ definition, value });
  }
}
