import fc from 'fast-check';
import { ATTRIBUTES, type AttributeDefinition, SPANS } from '../../catalogue.ts';
import type { ShownSpan, ShownValue } from '../../testing/shown-span.ts';

const id = (bytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => Buffer.from(value).toString('hex'))
    .filter((hex) => /[^0]/.test(hex));

export const traceId = id(16);
export const spanId = id(8);
export const time = fc.double({ min: 0, max: 4e12, noNaN: true });
/** Any Unicode, any length: what fits one byte of length, and what does not. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 50, maxLength: 150 }).map((any) => any.toWellFormed()),
  fc.string({ unit: 'grapheme-ascii', minLength: 300, maxLength: 20_000 }),
);
export const integer = fc.oneof(
  fc.nat(300),
  fc.maxSafeInteger(),
  fc.constantFrom(-(2 ** 63), 2 ** 62, 2 ** 28, 16_384),
);

function arbitraryValue({ type }: AttributeDefinition): fc.Arbitrary<ShownValue> {
  switch (type) {
    case 'string':
      return text;
    case 'int':
      return integer;
    case 'double':
      return fc.double();
    case 'boolean':
      return fc.nat(1);
    case 'string[]':
      return fc.array(text, { minLength: 1, maxLength: 8 });
  }
}

const attributes = fc
  .uniqueArray(fc.constantFrom(...Object.values(ATTRIBUTES)), { maxLength: 32 })
  .chain((definitions) =>
    fc.tuple(...definitions.map((definition) => fc.tuple(fc.constant(definition), arbitraryValue(definition)))),
  );

/** Any span that can be shown. */
export const arbitrarySpan: fc.Arbitrary<ShownSpan> = fc
  .record({
    definition: fc.constantFrom(...Object.values(SPANS)),
    traceId,
    spanId,
    parentSpanId: fc.option(spanId, { nil: undefined }),
    isParentRemote: fc.boolean(),
    isEntry: fc.boolean(),
    startedAt: time,
    endedAt: time,
    attributes,
    links: fc.array(fc.record({ traceId, spanId, isSampled: fc.boolean() }), { maxLength: 130 }),
    droppedAttributes: fc.nat(1000),
    droppedLinks: fc.nat(1000),
    traceState: fc.constantFrom('', 'ot=th:c', 'vendor=value,other=one'),
    failure: fc.option(text, { nil: undefined }),
    exception: fc.option(fc.record({ type: text, message: text, stacktrace: text }), { nil: undefined }),
  })
  .map((span) => ({ ...span, isParentRemote: span.isParentRemote && span.parentSpanId !== undefined }));
