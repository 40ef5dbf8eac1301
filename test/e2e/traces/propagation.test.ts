import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PublishPacket } from '../../../src/mqtt/packets.ts';
import { payloadOf, type RawClient } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_ID = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE_ID}-${CALLER_ID}-01`;

let lastTrace = 0;
/** A caller's sampled context that no other test has. */
function nextCaller(): { readonly traceId: string; readonly header: string } {
  lastTrace += 1;
  const traceId = lastTrace.toString(16).padStart(32, 'a');
  return { traceId, header: `00-${traceId}-${CALLER_ID}-01` };
}

const withTraceparent = (...values: readonly string[]) => ({
  properties: { userProperties: values.map((value) => ['traceparent', value] as const) },
});

function traceparentsOf({ properties }: PublishPacket): string[] {
  return (properties.userProperties ?? []).filter(([name]) => name === 'traceparent').map(([, value]) => value);
}

function describePropagation(propagation: string, tests: (traced: () => TracedBroker) => void): void {
  describe(`traceparent, propagation = "${propagation}"`, () => {
    let traced: TracedBroker;
    before(async () => {
      traced = await TracedBroker.start({ settings: { 'telemetry.propagation': propagation } });
    });
    after(() => traced[Symbol.asyncDispose]());
    tests(() => traced);
  });
}

/** Publishes once and returns what the subscriber got. */
async function send(
  traced: TracedBroker,
  topic: string,
  options: Parameters<RawClient['publish']>[2] = {},
): Promise<PublishPacket> {
  await using subscriber = await traced.connect();
  await using publisher = await traced.connect();
  await subscriber.subscribe(topic);
  const [received] = await Promise.all([subscriber.receive(), publisher.publish(topic, 'x', options)]);
  return received;
}

describePropagation('inject-if-absent', (traced) => {
  for (const qos of [0, 1, 2] as const) {
    it(`of a publisher at QoS ${qos} is continued, and stays as it was`, async () => {
      const { traceId, header } = nextCaller();
      const received = await send(traced(), `caller/${qos}`, { qos, ...withTraceparent(header) });
      assert.deepEqual(traceparentsOf(received), [header]);
      const span = await traced().span('mqtt/publish', { 'mqtt.topic': `caller/${qos}` });
      assert.deepEqual([span.traceId, span.parentSpanId], [traceId, CALLER_ID]);
      const push = (await traced().trace(traceId, ['client/push'])).find(({ name }) => name === 'client/push');
      assert.equal(push?.parentSpanId, span.spanId);
    });

    it(`is added for a subscriber at QoS ${qos}, and names the push to it`, async () => {
      const topic = `absent/${qos}`;
      await using first = await traced().connect({ clientId: `first-${qos}` });
      await using second = await traced().connect({ clientId: `second-${qos}` });
      await using publisher = await traced().connect();
      await first.subscribe(topic, { subscriptionIdentifier: 7 });
      await second.subscribe(topic);
      const [one, two] = await Promise.all([first.receive(), second.receive(), publisher.publish(topic, '', { qos })]);
      const { traceId } = await traced().span('mqtt/publish', { 'mqtt.topic': topic });
      for (const [packet, clientId] of [
        [one, `first-${qos}`],
        [two, `second-${qos}`],
      ] as const) {
        const push = await traced().span('client/push', { 'mqtt.client_id': clientId });
        assert.deepEqual(traceparentsOf(packet), [`00-${traceId}-${push.spanId}-01`]);
      }
      assert.deepEqual(one.properties.subscriptionIdentifiers, [7]);
    });
  }

  it('of a publisher that is not sampled leaves no span, and goes on as it was', async () => {
    const unsampled = 'b'.repeat(32);
    const header = `00-${unsampled}-${CALLER_ID}-00`;
    assert.deepEqual(traceparentsOf(await send(traced(), 'unsampled', { qos: 1, ...withTraceparent(header) })), [
      header,
    ]);
    await send(traced(), 'marker');
    await traced().span('mqtt/publish', { 'mqtt.topic': 'marker' });
    assert.ok(!traced().receiver.spans.some(({ traceId }) => traceId === unsampled));
    const published = traced().receiver.spans.filter(({ name }) => name === 'mqtt/publish');
    assert.ok(!published.some(({ attributes }) => attributes['mqtt.topic'] === 'unsampled'));
  });

  it('that is malformed, or there twice, changes nothing for the message', async () => {
    const malformed = ['', 'x', SAMPLED.toUpperCase(), SAMPLED.slice(0, -1), `ff${SAMPLED.slice(2)}`, `${SAMPLED}-1`];
    for (const [index, value] of malformed.entries()) {
      const topic = `malformed/${index}`;
      const received = await send(traced(), topic, { qos: 1, ...withTraceparent(value) });
      assert.deepEqual(traceparentsOf(received), [value]);
      assert.equal(payloadOf(received), 'x');
      const span = await traced().span('mqtt/publish', { 'mqtt.topic': topic });
      assert.equal(span.parentSpanId, '');
    }
    const [first, second] = [nextCaller(), nextCaller()];
    const received = await send(traced(), 'twice', withTraceparent(first.header, second.header));
    assert.deepEqual(traceparentsOf(received), [first.header, second.header]);
    const span = await traced().span('mqtt/publish', { 'mqtt.topic': 'twice' });
    assert.equal(span.parentSpanId, '');
  });

  it('is added where only its name occurs elsewhere; other properties stay in order', async () => {
    const userProperties = [['a', 'traceparent'] as const, ['b', '2'] as const];
    const received = await send(traced(), 'elsewhere', {
      qos: 1,
      properties: { userProperties, contentType: 'traceparent' },
    });
    assert.equal(traceparentsOf(received).length, 1);
    assert.deepEqual(
      (received.properties.userProperties ?? []).filter(([name]) => name !== 'traceparent'),
      userProperties,
    );
    assert.equal(received.properties.contentType, 'traceparent');
  });

  it('does not reach subscribers of MQTT 3.1.1, which have no properties', async () => {
    await using subscriber = await traced().connect({ protocolVersion: 4 });
    await using publisher = await traced().connect({ protocolVersion: 4, clientId: 'old' });
    await subscriber.subscribe('old');
    await publisher.publish('old', 'x', { qos: 1 });
    assert.equal(payloadOf(await subscriber.receive()), 'x');
    await traced().span('mqtt/publish', { 'mqtt.client_id': 'old' });
  });
});

describePropagation('preserve', (traced) => {
  it('adds nothing, and leaves what the publisher sent', async () => {
    for (const qos of [0, 1, 2] as const) {
      assert.deepEqual(traceparentsOf(await send(traced(), `absent/${qos}`, { qos })), []);
      const { header } = nextCaller();
      assert.deepEqual(traceparentsOf(await send(traced(), `own/${qos}`, { qos, ...withTraceparent(header) })), [
        header,
      ]);
    }
  });
});

describePropagation('replace', (traced) => {
  it('puts the push in the place of what the publisher sent, all else untouched', async () => {
    for (const qos of [0, 1, 2] as const) {
      const { traceId, header } = nextCaller();
      const topic = `own/${qos}`;
      const others = [['a', '1'] as const, ['b', '2'] as const];
      const received = await send(traced(), topic, {
        qos,
        properties: {
          correlationData: Buffer.from('c'),
          userProperties: [others[0]!, ['traceparent', header], others[1]!],
        },
      });
      const trace = await traced().trace(traceId, ['mqtt/publish', 'client/push']);
      const push = trace.find(({ name }) => name === 'client/push')!;
      assert.deepEqual(traceparentsOf(received), [`00-${traceId}-${push.spanId}-01`]);
      assert.deepEqual(
        (received.properties.userProperties ?? []).filter(([name]) => name !== 'traceparent'),
        others,
      );
      assert.deepEqual(Buffer.from(received.properties.correlationData!), Buffer.from('c'));
      assert.equal(payloadOf(received), 'x');
    }
  });

  it('adds it where there is none', async () => {
    assert.equal(traceparentsOf(await send(traced(), 'absent', { qos: 1 })).length, 1);
  });
});

describe('trust in the traceparent of a listener’s clients', () => {
  let traced: TracedBroker;
  before(async () => {
    const listener = (trust: string) => `[[listeners]]\nname = "${trust}"\nport = 0\ntrace_context = "${trust}"\n`;
    traced = await TracedBroker.start({ toml: ['follow', 'link', 'ignore'].map(listener).join('') });
  });
  after(() => traced[Symbol.asyncDispose]());

  /** The span of a PUBLISH through this listener, whose property arrives as it was sent. */
  async function publishThrough(trust: string, header: string) {
    const topic = `trust/${trust}`;
    await using subscriber = await traced.connect();
    await subscriber.subscribe(topic);
    await using publisher = await traced.connect({ port: traced.broker.portOfListener(trust) });
    await publisher.publish(topic, 'x', { qos: 1, ...withTraceparent(header) });
    assert.deepEqual(traceparentsOf(await subscriber.receive()), [header]);
    return traced.span('mqtt/publish', { 'mqtt.topic': topic });
  }

  it('follow: its trace goes on', async () => {
    const { traceId, header } = nextCaller();
    const span = await publishThrough('follow', header);
    assert.deepEqual([span.traceId, span.parentSpanId, span.links], [traceId, CALLER_ID, []]);
  });

  it('link: a new trace links to it', async () => {
    const { traceId, header } = nextCaller();
    const span = await publishThrough('link', header);
    assert.notEqual(span.traceId, traceId);
    assert.equal(span.parentSpanId, '');
    assert.deepEqual(
      span.links.map((link) => [link.traceId, link.spanId]),
      [[traceId, CALLER_ID]],
    );
  });

  it('ignore: nothing of it is seen', async () => {
    const { traceId, header } = nextCaller();
    const span = await publishThrough('ignore', header);
    assert.notEqual(span.traceId, traceId);
    assert.deepEqual([span.parentSpanId, span.links], ['', []]);
  });
});
