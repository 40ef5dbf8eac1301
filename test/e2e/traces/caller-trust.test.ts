import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PublishPacket } from '../../../src/mqtt/packets.ts';
import type { UserProperty } from '../../../src/mqtt/property.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { payloadOf } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

const SAMPLED = `00-${'4bf92f3577b34da6a3ce929d0e0e4736'}-00f067aa0ba902b7-01`;
const LONGEST = 'x'.repeat(65_535);
const traceOf = (index: number): string => index.toString(16).padStart(32, 'a');

describe('the traces a second that callers may choose on a listener', () => {
  it('are as many as it allows; beyond them the flag counts as absent, and every message is as it was', async () => {
    const messages = 20;
    const toml = '[[listeners]]\nname = "capped"\nport = 0\nmax_forced_traces_per_second = 1\n';
    const settings = { 'telemetry.sampling.rate': 0, 'telemetry.sampling.slow_threshold_ms': 0 };
    await using traced = await TracedBroker.start({ settings, toml });
    await using client = await traced.connect();
    await client.subscribe({ filter: 'forced', qos: 0 });
    const headers = Array.from({ length: messages }, (_, index) => `00-${traceOf(index)}-00f067aa0ba902b7-01`);
    client.send(
      ...headers.map(
        (header, index): PublishPacket => ({
          ...{ type: 'publish', topic: 'forced', payload: Buffer.from(String(index)), qos: 1, retain: false },
          ...{ duplicate: false, packetId: index + 1, properties: { userProperties: [['traceparent', header]] } },
        }),
      ),
    );
    for (const [index, header] of headers.entries()) {
      const packet = await client.take('publish');
      assert.deepEqual(
        [payloadOf(packet), packet.properties.userProperties],
        [String(index), [['traceparent', header]]],
      );
      assert.equal((await client.take('puback')).reasonCode, ReasonCode.success);
    }
    await traced.span('mqtt/publish', { 'mqtt.topic': 'forced' });
    const notForced = (await traced.metrics()).get('robustmq_traces_not_kept_total{reason="forced"}')!;
    const published = (await traced.stop()).filter(({ name }) => name === 'mqtt/publish');
    assert.ok(notForced >= 1, `${notForced} were too many`);
    assert.equal(published.length + notForced, messages);
    for (const { attributes } of published) assert.equal(attributes['robustmq.sampling.reason'], 'forced');
  });
});

describe('trace headers that nobody should send', () => {
  const hostile: Readonly<Record<string, readonly UserProperty[]>> = {
    'two traceparents': [
      ['traceparent', SAMPLED],
      ['traceparent', SAMPLED],
    ],
    'a thousand traceparents': Array.from({ length: 1000 }, (): UserProperty => ['traceparent', SAMPLED]),
    'a traceparent of 64 KiB': [['traceparent', `${SAMPLED}-`.padEnd(65_535, '0')]],
    'a traceparent of a later version of 64 KiB': [['traceparent', `01${SAMPLED.slice(2)}-`.padEnd(65_535, '0')]],
    'a malformed traceparent': [['traceparent', SAMPLED.toUpperCase()]],
    'a tracestate of 64 KiB': [
      ['traceparent', SAMPLED],
      ['tracestate', LONGEST],
    ],
    'a thousand tracestates': [
      ['traceparent', SAMPLED],
      ...Array.from({ length: 1000 }, (): UserProperty => ['tracestate', 'ot=th:0']),
    ],
    'a malformed tracestate': [
      ['traceparent', SAMPLED],
      ['tracestate', 'ot=th:zz;;=,,\u007f'],
    ],
    'a tracestate alone': [['tracestate', 'ot=th:8']],
    'baggage of 64 KiB, twice and malformed': [
      ['baggage', LONGEST],
      ['baggage', '=,;%'],
      ['traceparent', SAMPLED],
    ],
  };
  for (const propagation of ['preserve', 'inject-if-absent', 'replace'])
    it(`change nothing for the message or its acknowledgement, propagation = "${propagation}"`, async () => {
      await using traced = await TracedBroker.start({ settings: { 'telemetry.propagation': propagation } });
      await using client = await traced.connect();
      await client.subscribe('hostile');
      for (const [what, userProperties] of Object.entries(hostile))
        for (const qos of [0, 1, 2] as const) {
          const properties = { userProperties };
          const sent = client.publish('hostile', what, { qos, properties });
          const [received, reasonCode] = await Promise.all([client.receive(), sent]);
          assert.equal(payloadOf(received), what);
          if (qos > 0) assert.equal(reasonCode, ReasonCode.success, what);
          const isOwn = ([name]: UserProperty) => name !== 'traceparent' && name !== 'tracestate';
          const others = (received.properties.userProperties ?? []).filter(isOwn);
          assert.deepEqual(others, userProperties.filter(isOwn), what);
          if (propagation === 'preserve') assert.deepEqual(received.properties.userProperties, userProperties, what);
        }
    });

  it('that are too large for a subscriber leave it the message without what the broker adds', async () => {
    await using traced = await TracedBroker.start();
    await using subscriber = await traced.connect({ properties: { maximumPacketSize: 80 } });
    await using client = await traced.connect();
    await subscriber.subscribe('a');
    await client.publish('a', 'small', { qos: 1 });
    const received = await subscriber.receive();
    assert.deepEqual([payloadOf(received), received.properties.userProperties ?? []], ['small', []]);
  });
});
