import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserProperty } from '../../../src/mqtt/property.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { ReceivedSpan } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { TracedBroker } from './support/traced-broker.ts';

const CALLER_ID = '00f067aa0ba902b7';
const BELOW_HALF = `${'1'.repeat(18)}7fffffff${'1'.repeat(6)}`;
/** Nothing is kept for how long it took. */
const NOT_SLOW = { 'telemetry.sampling.slow_threshold_ms': 0, 'telemetry.sampling.slow_quantile': 0 };
const ruleFor = (topic: string, permission: string): string =>
  `[[authorization.rules]]\npermission = "${permission}"\naction = "all"\ntopics = ["${topic}"]\n`;

const sentBy = (traceId: string, flags: string, ...states: string[]): { userProperties: UserProperty[] } => ({
  userProperties: [
    ['traceparent', `00-${traceId}-${CALLER_ID}-${flags}`],
    ...states.map((state): UserProperty => ['tracestate', state]),
  ],
});

const statesOf = (spans: readonly ReceivedSpan[]): string[] => [...new Set(spans.map(({ traceState }) => traceState))];

describe('tracestate of what is exported', () => {
  it('says the probability by which the rate chose a trace, on all of its spans', async () => {
    const settings = { ...NOT_SLOW, 'telemetry.sampling.rate': 0.5 };
    await using traced = await TracedBroker.start({ settings });
    await using client = await traced.connect({ protocolVersion: 4 });
    await client.subscribe({ filter: '#', qos: 1 });
    for (const qos of [0, 1] as const)
      for (let count = 0; count < 40; count += 1) {
        client.sendPublish('many', '', { qos });
        const { packetId } = await client.take('publish');
        if (qos === 0) continue;
        client.sendAck('puback', packetId);
        await client.take('puback');
      }
    await client.disconnect();
    const spans = await traced.stop();
    for (const name of ['journal/write', 'client/push', 'delivery/confirm'])
      assert.ok(
        spans.some((span) => span.name === name),
        name,
      );
    for (const { traceId, traceState, name } of spans) {
      assert.equal(traceState, 'ot=th:8', name);
      assert.ok(Number.parseInt(traceId.slice(18, 26), 16) >= 2 ** 31, name);
    }
  });

  it('is the caller’s where its flag chose the trace; subscribers get it as it was sent', async () => {
    await using traced = await TracedBroker.start({ settings: { ...NOT_SLOW, 'telemetry.sampling.rate': 0 } });
    await using client = await traced.connect();
    await client.subscribe('a');
    const properties = sentBy(BELOW_HALF, '01', 'x=1, ot=th:4', 'y=2');
    const [received] = await Promise.all([client.receive(), client.publish('a', '', { qos: 1, properties })]);
    assert.deepEqual(received.properties.userProperties, properties.userProperties);
    await client.disconnect();
    const spans = await traced.stop();
    assert.ok(spans.some(({ name }) => name === 'delivery/confirm'));
    assert.deepEqual(statesOf(spans), ['x=1,ot=th:4,y=2']);
  });

  it('where the rate decides, whoever called: randomness of the caller’s own counts, and `th` is ours', async () => {
    const settings = { ...NOT_SLOW, 'telemetry.sampling.rate': 0.5, 'telemetry.sampling.follow_parent': false };
    await using traced = await TracedBroker.start({ settings });
    await using client = await traced.connect();
    await client.publish('a', '', { qos: 1, properties: sentBy(BELOW_HALF, '01', 'x=1,ot=th:4') });
    const explicit = 'x=1,ot=th:4;rv:80000000000000';
    const other = `2${BELOW_HALF.slice(1)}`;
    await client.publish('a', '', { qos: 1, properties: sentBy(other, '00', explicit) });
    const spans = (await traced.stop()).filter(({ attributes }) => attributes['mqtt.topic'] === 'a');
    assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [other]);
    assert.deepEqual(statesOf(spans), ['ot=th:8;rv:80000000000000,x=1']);
  });

  it('tells of no probability where a trace is kept for its failure, which flags 00 do not hide', async () => {
    await using traced = await TracedBroker.start({
      settings: NOT_SLOW,
      toml: ruleFor('secret/#', 'deny') + ruleFor('#', 'allow'),
    });
    await using client = await traced.connect();
    const refused = sentBy(BELOW_HALF, '00', 'x=1,ot=th:4');
    assert.equal(await client.publish('secret/1', '', { qos: 1, properties: refused }), ReasonCode.notAuthorized);
    const fine = sentBy(`3${BELOW_HALF.slice(1)}`, '00');
    await client.publish('open', '', { qos: 1, properties: fine });
    const spans = await traced.stop();
    const publishes = spans.filter(({ name }) => name === 'mqtt/publish');
    assert.deepEqual(
      publishes.map(({ traceId, attributes }) => [traceId, attributes['robustmq.sampling.reason']]),
      [[BELOW_HALF, 'error']],
    );
    assert.deepEqual(statesOf(spans.filter(({ traceId }) => traceId === BELOW_HALF)), ['x=1']);
  });
});

describe('tracestate of what is delivered, propagation = "replace"', () => {
  it('stays with its trace, and goes where the broker has begun another', async () => {
    await using traced = await TracedBroker.start({ settings: { 'telemetry.propagation': 'replace' } });
    await using client = await traced.connect();
    await client.subscribe('a');
    const deliver = async (properties: { userProperties: UserProperty[] }) => {
      const [received] = await Promise.all([client.receive(), client.publish('a', 'x', { qos: 1, properties })]);
      return (received.properties.userProperties ?? []).map(([name, value]) =>
        name === 'traceparent' ? value.slice(3, 35) : `${name}: ${value}`,
      );
    };
    assert.deepEqual(await deliver(sentBy(BELOW_HALF, '01', 'x=1')), ['tracestate: x=1', BELOW_HALF].toSorted());
    const twice = sentBy(BELOW_HALF, '01', 'x=1');
    twice.userProperties.push(['traceparent', `00-${'e'.repeat(32)}-${CALLER_ID}-01`], ['a', 'b']);
    const [own, ...others] = await deliver(twice);
    assert.notEqual(own, BELOW_HALF);
    assert.deepEqual(others, ['a: b']);
  });
});
