import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

/** Lone continuation byte, overlong, surrogate, beyond Unicode, cut off. */
const NOT_UTF8 = ['80', 'c0af', 'eda080', 'f4908080', 'e282'].map((hex) => Buffer.from(hex, 'hex'));
const announced = { properties: { payloadFormatIndicator: 1 } } as const;

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

async function counted(): Promise<number> {
  const metrics = await (await fetch(`${broker.adminUrl}/metrics`)).text();
  return Number(/^robustmq_messages_dropped_total\{reason="payload_format"\} (\d+)/m.exec(metrics)?.[1]);
}

describe('a payload that is announced as UTF-8 (MQTT 5 section 3.3.2.3.2)', () => {
  for (const qos of [1, 2] as const)
    test(`QoS ${qos}: and is not, is refused with 0x99 and reaches nobody`, async () => {
      await using client = await RawClient.connect({ port: broker.port });
      await client.subscribe(`format/${qos}`);
      for (const payload of NOT_UTF8)
        assert.equal(
          await client.publish(`format/${qos}`, payload, { qos, retain: true, ...announced }),
          ReasonCode.payloadFormatInvalid,
        );
      await client.expectNothing();
      assert.deepEqual((await client.subscribe(`format/${qos}`)).reasonCodes, [2]);
      await client.expectNothing();
    });

  test('QoS 0: and is not, is dropped and counted, and the connection goes on', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('format/0');
    const before = await counted();
    for (const payload of NOT_UTF8) client.sendPublish('format/0', payload, announced);
    client.sendPublish('format/0', 'ä€😀\0', announced);
    assert.equal(payloadOf(await client.expect('publish')), 'ä€😀\0');
    assert.equal((await counted()) - before, NOT_UTF8.length);
  });

  test('is not looked at where nothing, or bytes, were announced', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('format/bytes');
    for (const properties of [{}, { payloadFormatIndicator: 0 }])
      for (const payload of NOT_UTF8) {
        await client.publish('format/bytes', payload, { qos: 1, properties });
        assert.deepEqual(Buffer.from((await client.receive()).payload), payload);
      }
  });

  test('in a will: and is not, refuses the connection with 0x99', async () => {
    for (const [payload, expected] of [
      [NOT_UTF8[0]!, ReasonCode.payloadFormatInvalid],
      [Buffer.from('ä'), ReasonCode.success],
    ] as const) {
      await using client = await RawClient.open(broker.port);
      client.sendConnect({ will: { topic: 'format/will', payload, qos: 0, retain: false, ...announced } });
      assert.equal((await client.expect('connack')).reasonCode, expected);
    }
  });
});
