import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { PROPERTIES } from '../../mqtt/property.ts';
import { type AttributePolicy, DISCREET } from '../attribute-policy.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { ENTRY, MessageEntry, SHAPE, SHAPE_SHIFT } from './message-entry.ts';
import { messageContext } from './message-recorder.ts';

const hmac = (text: string | Uint8Array): string => createHmac('sha256', 'key').update(text).digest('hex');

/** A user property as it lies in a PUBLISH. */
function property(name: string, value: string): Buffer {
  const prefixed = (text: string) => Buffer.concat([Buffer.of(0, Buffer.byteLength(text)), Buffer.from(text)]);
  return Buffer.concat([Buffer.of(PROPERTIES.userProperties.id), prefixed(name), prefixed(value)]);
}

/** What the span of a message with this content says of it. */
function told(policy: Partial<AttributePolicy>, payload: Uint8Array, properties: Uint8Array = Buffer.alloc(0)) {
  const telemetry = testTelemetry({ attributes: { ...DISCREET, hashKey: 'key', ...policy } });
  const { messages, content } = telemetry.recording;
  const entry = new MessageEntry();
  messages.begin(entry, messageContext(), 0);
  messages.link(
    entry,
    Uint8Array.from({ length: 25 }, () => 1),
  );
  content?.record(entry, {
    payload: Buffer.concat([Buffer.from('<<'), payload, Buffer.from('>>')]),
    payloadStart: 2,
    payloadEnd: 2 + payload.length,
    properties,
    propertiesStart: 0,
    propertiesEnd: properties.length,
  });
  entry.u32[ENTRY.flags]! |= SHAPE.direct << SHAPE_SHIFT;
  messages.direct.append(entry);
  messages.endRead({ dispatchedAt: 0, answeredAt: 0, connections: 0, queueDepth: 0, shard: 0 });
  const [span] = telemetry.spans;
  assert.equal(span!.links.length, 1, 'what was told before stays');
  const attributes = span!.attributes.map(({ definition, value }) => [definition.key, value] as const);
  return Object.fromEntries(attributes.filter(([key]) => /^mqtt\.(payload|payload_hash|user_properties)$/.test(key)));
}

describe('what is told of the content of a message', () => {
  it('is nothing by default', () => {
    assert.deepEqual(told({}, Buffer.from('secret'), property('tenant', 'acme')), {});
  });

  it('is as much of the payload as there may be, cut between letters', () => {
    const plain = { payload: 'plain', payloadMaxBytes: 5 } as const;
    assert.deepEqual(told(plain, Buffer.from('abc')), { 'mqtt.payload': 'abc' });
    assert.deepEqual(told(plain, Buffer.from('abcdé')), { 'mqtt.payload': 'abcd' });
    assert.deepEqual(told(plain, Buffer.from('abcé')), { 'mqtt.payload': 'abcé' });
  });

  it('is Base64 of a payload that is no text, cut within a letter at its very end too', () => {
    const plain = { payload: 'plain', payloadMaxBytes: 3 } as const;
    for (const bytes of [Buffer.of(0xff, 1, 2, 3), Buffer.of(0x61, 0xc3)])
      assert.deepEqual(told(plain, bytes), { 'mqtt.payload': bytes.subarray(0, 3).toString('base64') });
  });

  it('is the hash of all of the payload', () => {
    const payload = Buffer.alloc(1000, 'x');
    assert.deepEqual(told({ payload: 'hash', payloadMaxBytes: 1 }, payload), { 'mqtt.payload_hash': hmac(payload) });
  });

  it('is the user properties that are named, and no other', () => {
    const properties = Buffer.concat([
      property('tenant', 'acme'),
      property('other', 'x'),
      property('tenant', 'b'),
      property('area', '7'),
    ]);
    const named = { userProperties: ['area', 'tenant', 'absent'] };
    const list = told(named, Buffer.alloc(0), properties);
    assert.deepEqual(list, { 'mqtt.user_properties': ['area=7', 'tenant=acme,b'] });
    const hashes = told({ ...named, userPropertyValues: 'hash' }, Buffer.alloc(0), properties);
    assert.deepEqual(hashes, { 'mqtt.user_properties': [`area=${hmac('7')}`, `tenant=${hmac('acme,b')}`] });
  });
});
