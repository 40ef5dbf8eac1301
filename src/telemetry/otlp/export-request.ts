import { assert } from '../../base/errors.ts';
import { ROLES, type Role } from '../catalogue.ts';
import {
  ANY_VALUE,
  ARRAY_VALUE,
  KEY_VALUE,
  REQUEST,
  RESOURCE,
  RESOURCE_SPANS,
  SCOPE,
  SCOPE_SPANS,
} from './field-tags.ts';
import type { SpanBytes } from './span-bytes.ts';
import { MAX_PADDED_LENGTH, PADDED_LENGTH_BYTES, paddedLength } from './varint.ts';

export type ResourceValue = string | number | boolean | readonly string[];
export type ResourceAttributes = Readonly<Record<string, ResourceValue>>;

export interface RequestOptions {
  /** Each role is a service of its own. */
  readonly resources: Readonly<Record<Role, ResourceAttributes>>;
  readonly serviceVersion: string;
  /** Of the semantic conventions that names and attributes follow; empty where they follow none. */
  readonly schemaUrl: string;
}

const SCOPE_NAME = 'robustmq';
const FIELD_HEAD_BYTES = 1 + PADDED_LENGTH_BYTES;

/** Puts the spans of all roles into an ExportTraceServiceRequest: what lies around them is encoded once. */
export class ExportRequest {
  /** The fields `resource`, by role. */
  readonly #resources: readonly Buffer[];
  readonly #scope: Buffer;
  readonly #scopeSchema: Buffer;
  readonly #resourceSchema: Buffer;

  constructor({ resources, serviceVersion, schemaUrl }: RequestOptions) {
    this.#resources = ROLES.map((role) => field(RESOURCE_SPANS.resource, attributesOf(resources[role])));
    this.#scope = field(SCOPE_SPANS.scope, text(SCOPE.name, SCOPE_NAME), text(SCOPE.version, serviceVersion));
    this.#scopeSchema = schemaUrl === '' ? Buffer.alloc(0) : text(SCOPE_SPANS.schemaUrl, schemaUrl);
    this.#resourceSchema = schemaUrl === '' ? Buffer.alloc(0) : text(RESOURCE_SPANS.schemaUrl, schemaUrl);
  }

  /** A copy of the spans, in the order of ROLES, without the roles that have none. `allocate`: gives as many bytes as asked. */
  encode(spans: readonly SpanBytes[], allocate: (bytes: number) => Uint8Array): Uint8Array {
    const sizes = spans.map(({ at }, role) => (at === 0 ? 0 : FIELD_HEAD_BYTES + this.#resourceSpansBytes(role, at)));
    const request = allocate(sizes.reduce((sum, size) => sum + size, 0));
    let end = 0;
    for (const [role, size] of sizes.entries()) {
      if (size > 0) this.#write(request.subarray(end, end + size), role, spans[role]!);
      end += size;
    }
    return request;
  }

  #resourceSpansBytes(role: number, spanBytes: number): number {
    return (
      this.#resources[role]!.length + FIELD_HEAD_BYTES + this.#scopeSpansBytes(spanBytes) + this.#resourceSchema.length
    );
  }

  #scopeSpansBytes(spanBytes: number): number {
    return this.#scope.length + spanBytes + this.#scopeSchema.length;
  }

  #write(out: Uint8Array, role: number, spans: SpanBytes): void {
    const parts = [
      fieldHead(REQUEST.resourceSpans, this.#resourceSpansBytes(role, spans.at)),
      this.#resources[role]!,
      fieldHead(RESOURCE_SPANS.scopeSpans, this.#scopeSpansBytes(spans.at)),
      this.#scope,
      spans.bytes.subarray(0, spans.at),
      this.#scopeSchema,
      this.#resourceSchema,
    ];
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
  }
}

function attributesOf(attributes: ResourceAttributes): Buffer {
  return Buffer.concat(
    Object.entries(attributes).map(([key, value]) =>
      field(RESOURCE.attribute, text(KEY_VALUE.key, key), field(KEY_VALUE.value, anyValue(value))),
    ),
  );
}

function anyValue(value: ResourceValue): Buffer {
  if (typeof value === 'string') return text(ANY_VALUE.string, value);
  if (typeof value === 'boolean') return Buffer.of(ANY_VALUE.boolean, value ? 1 : 0);
  if (typeof value === 'object')
    return field(ANY_VALUE.array, ...value.map((item) => field(ARRAY_VALUE.value, text(ANY_VALUE.string, item))));
  if (!Number.isSafeInteger(value)) {
    const bytes = Buffer.of(ANY_VALUE.double, ...new Uint8Array(8));
    bytes.writeDoubleLE(value, 1);
    return bytes;
  }
  return Buffer.concat([Buffer.of(ANY_VALUE.int), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function text(tag: number, value: string): Buffer {
  return field(tag, Buffer.from(value));
}

function field(tag: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.of(tag), varint(BigInt(length)), ...content]);
}

function fieldHead(tag: number, length: number): Buffer {
  assert(length <= MAX_PADDED_LENGTH, 'a request is as large as its length can say');
  const head = Buffer.alloc(FIELD_HEAD_BYTES, tag);
  head.writeInt32LE(paddedLength(length), 1);
  return head;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
