import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { DISCREET } from '../../attribute-policy.ts';
import { ATTRIBUTES, SPANS, type SpanDefinition } from '../../catalogue.ts';
import { type ShownSpan, showSpan } from '../../testing/shown-span.ts';
import { FinishedSpanBuilder } from '../finished-span-builder.ts';
import { SemanticVisitor } from './semantic-visitor.ts';

const hmac = (text: string): string => createHmac('sha256', 'key').update(text).digest('hex');

/** What is shown on of a span with these attributes. */
function shownOn(definition: SpanDefinition, attributes: ShownSpan['attributes'], policy = DISCREET) {
  const builder = new FinishedSpanBuilder();
  showSpan(new SemanticVisitor(policy).onto(builder), {
    definition,
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    parentSpanId: undefined,
    isParentRemote: false,
    isEntry: true,
    startedAt: 0,
    endedAt: 1,
    attributes,
    links: [],
    droppedAttributes: 0,
    droppedLinks: 0,
    traceState: '',
    failure: undefined,
    exception: undefined,
  });
  const [span] = builder.take();
  return Object.fromEntries(span!.attributes.map(({ definition: { key }, value }) => [key, value]));
}

describe('what the catalogue adds to a span', () => {
  it('is the constants of its name, and conventional names beside its own', () => {
    const own = [
      [ATTRIBUTES.mqttClientId, 'c'],
      [ATTRIBUTES.mqttTopic, 't'],
      [ATTRIBUTES.mqttPayloadSize, 7],
      [ATTRIBUTES.mqttQos, 1],
    ] as const;
    assert.deepEqual(shownOn(SPANS.willPublish, own), {
      'messaging.system': 'mqtt',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'mqtt.client_id': 'c',
      'messaging.client.id': 'c',
      'mqtt.topic': 't',
      'messaging.destination.name': 't',
      'mqtt.payload_size': 7,
      'messaging.message.body.size': 7,
      'mqtt.qos': 1,
    });
  });

  it('is nothing where no convention speaks of it', () => {
    assert.deepEqual(shownOn(SPANS.topicAuthorize, [[ATTRIBUTES.mqttTopic, 't']]), { 'mqtt.topic': 't' });
  });
});

describe('what the policy lets out', () => {
  const own = [
    [ATTRIBUTES.mqttClientId, 'c'],
    [ATTRIBUTES.userName, 'alice'],
  ] as const;
  const of = (policy: Partial<typeof DISCREET>, attributes: ShownSpan['attributes'] = own) =>
    shownOn(SPANS.topicAuthorize, attributes, { ...DISCREET, hashKey: 'key', ...policy });

  it('is no user name, unless it is asked for', () => {
    assert.deepEqual(of({}), { 'mqtt.client_id': 'c' });
    assert.deepEqual(of({ userName: 'plain' }), { 'mqtt.client_id': 'c', 'user.name': 'alice' });
    assert.deepEqual(of({ userName: 'hash' }), { 'mqtt.client_id': 'c', 'user.hash': hmac('alice') });
    assert.deepEqual(of({ userName: 'hash' }, [[ATTRIBUTES.userName, '']]), {});
  });

  it('is client ids, or hashes in their place, in keys of the store too', () => {
    assert.deepEqual(of({ clientId: 'hash' }), { 'mqtt.client_id': hmac('c') });
    const keys = ['session/c', 'session/', 'key'].map((key) => of({ clientId: 'hash' }, [[ATTRIBUTES.dbKey, key]]));
    assert.deepEqual(
      keys.map((told) => told['db.key']),
      [`session/${hmac('c')}`, 'session/', 'key'],
    );
  });
});
