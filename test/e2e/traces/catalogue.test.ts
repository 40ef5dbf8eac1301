import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  ATTRIBUTES,
  type AttributeDefinition,
  type AttributeType,
  SPANS,
  type SpanDefinition,
} from '../../../src/telemetry/catalogue.ts';
import type { ReceivedSpan, ReceivedValue } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { TestDirectory } from '../../support/test-settings.ts';
import {
  connectInAllWays,
  deliverInAllWays,
  failMetadata,
  failToRelease,
  failToStore,
  sendEveryPacket,
  smallBroker,
  talkativeBroker,
} from './support/every-span.ts';

const NOT_IN_A_REQUEST =
  'a request writes one session and reads from memory; src/placement/traced-placement.test.ts has them';

/** What no client brings about: why, and where it is tested. */
const NOT_SEEN: Readonly<Record<string, string>> = {
  'storage/rocksdb.batch': NOT_IN_A_REQUEST,
  'storage/rocksdb.delete': NOT_IN_A_REQUEST,
  'storage/rocksdb.get': NOT_IN_A_REQUEST,
  'storage/rocksdb.scan': NOT_IN_A_REQUEST,
};

/** Spans of one definition: the rest of a fan-out shares the name of a push, and is told apart by its count. */
function definitionOf({ name, attributes }: ReceivedSpan): SpanDefinition | undefined {
  if (name === SPANS.clientPush.name)
    return 'robustmq.push.count' in attributes ? SPANS.clientPushRest : SPANS.clientPush;
  return Object.values<SpanDefinition>(SPANS).find((definition) => definition.name === name);
}

const TYPES: Readonly<Record<AttributeType, (value: ReceivedValue) => boolean>> = {
  string: (value) => typeof value === 'string',
  int: (value) => Number.isInteger(value),
  double: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  'string[]': (value) => Array.isArray(value),
};

const keyOf = (definition: SpanDefinition): string =>
  definition === SPANS.clientPushRest ? 'client/push (rest)' : definition.name;

/** What a span says that its definition does not, and the other way round. */
function deviationsOf(span: ReceivedSpan, spans: ReadonlyMap<string, ReceivedSpan>): string[] {
  const definition = definitionOf(span);
  if (definition === undefined) return [`${span.name} is not in the catalogue`];
  const { kind, role, parents, begins, constants } = definition;
  const declared = new Map<string, AttributeDefinition>(
    [...definition.attributes.map(({ attribute }) => attribute), ...constants.map(([attribute]) => attribute)].map(
      (attribute) => [attribute.key, attribute],
    ),
  );
  const parent = spans.get(span.parentSpanId);
  const always = definition.attributes.filter(({ when }) => when === '').map(({ attribute }) => attribute.key);
  const told: [boolean, string][] = [
    [span.kind === kind, `is ${span.kind}`],
    [span.resource['service.name'] === `robustmq-${role}`, `is of ${String(span.resource['service.name'])}`],
    [parent === undefined ? begins : parents.includes(parent.name), `lies below ${parent?.name ?? 'nothing'}`],
    ...always.map((key): [boolean, string] => [key in span.attributes, `lacks ${key}`]),
    ...constants.map(([{ key }, value]): [boolean, string] => [span.attributes[key] === value, `has another ${key}`]),
    ...Object.entries(span.attributes).flatMap(([key, value]): [boolean, string][] => {
      const attribute = declared.get(key);
      if (attribute === undefined) return [[false, `has ${key}`]];
      return [[TYPES[attribute.type](value), `has a ${key} that is no ${attribute.type}`]];
    }),
    [
      (span.status.code === 'error') === 'error.type' in span.attributes,
      'fails without error.type, or has it and does not',
    ],
  ];
  return told.filter(([holds]) => !holds).map(([, what]) => `${keyOf(definition)} ${what}`);
}

describe('the catalogue and what a collector receives', () => {
  let spans: readonly ReceivedSpan[];
  before(async () => {
    await using directory = await TestDirectory.create();
    await using talkative = await talkativeBroker(directory);
    await connectInAllWays(talkative);
    await sendEveryPacket(talkative);
    await deliverInAllWays(talkative);
    await using small = await smallBroker(directory, { 'mqtt.receive_maximum': 1 });
    await failToStore(small);
    await using failing = await smallBroker(directory, { 'listeners.0.allow_anonymous': true });
    await failToRelease(failing);
    await failMetadata(failing);
    spans = [...(await talkative.stop()), ...(await small.stop()), ...(await failing.stop())];
  });

  it('agree on every span that came: name, kind, service, parent and attributes', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    assert.deepEqual([...new Set(spans.flatMap((span) => deviationsOf(span, byId)))].sort(), []);
  });

  it('agree on what can come: every span and attribute did, but for those that say why not', () => {
    const seen = new Set<string>();
    for (const span of spans) {
      const key = keyOf(definitionOf(span)!);
      seen.add(key);
      for (const attribute of Object.keys(span.attributes)) seen.add(`${key} ${attribute}`);
    }
    const missing = Object.values<SpanDefinition>(SPANS).flatMap((definition) => {
      const key = keyOf(definition);
      if (!seen.has(key)) return [key];
      return definition.attributes.map(({ attribute }) => `${key} ${attribute.key}`).filter((pair) => !seen.has(pair));
    });
    assert.deepEqual(missing.sort(), Object.keys(NOT_SEEN).sort());
  });

  it('agree that exceptions are events, with the attributes for them', () => {
    const events = spans.flatMap((span) => span.events);
    const keys = [ATTRIBUTES.exceptionMessage, ATTRIBUTES.exceptionStacktrace, ATTRIBUTES.exceptionType];
    assert.ok(events.length > 0);
    for (const event of events) {
      assert.equal(event.name, 'exception');
      assert.deepEqual(
        Object.keys(event.attributes).sort(),
        keys.map(({ key }) => key),
      );
    }
  });
});
