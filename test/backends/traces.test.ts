import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formatPasswordHash, hashPassword } from '../../src/broker/auth/password-hash.ts';
import type { PublishPacket } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { metric, until } from '../chaos/support/metric.ts';
import { publishTree } from '../e2e/traces/support/publish-tree.ts';
import { namesIn, treeOf } from '../e2e/traces/support/span-tree.ts';
import { type ConnectOptions, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';
import { assertFromCatalogue } from './support/against-catalogue.ts';
import { Backends, skip } from './support/backends.ts';
import type { StoredSpan } from './support/otlp-json.ts';

const LINK_AFTER_SECONDS = 60;
const CALLER_ID = '00f067aa0ba902b7';
const RULES = `
[[authorization.rules]]
permission = "deny"
action = "all"
topics = ["secret/#"]
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["#"]
`;

let lastTrace = 0;
/** A caller's sampled context that no other test has. */
function nextCaller(): { readonly traceId: string; readonly userProperties: [string, string][] } {
  lastTrace += 1;
  const traceId = lastTrace.toString(16).padStart(32, 'b');
  return { traceId, userProperties: [['traceparent', `00-${traceId}-${CALLER_ID}-01`]] };
}

function traceparentOf({ properties }: PublishPacket): string[] {
  return properties.userProperties?.find(([name]) => name === 'traceparent')?.[1].split('-') ?? [];
}

const linkTo = ({ traceId, spanId }: StoredSpan) => ({ traceId, spanId });

for (const protocol of ['grpc', 'http'] as const)
  describe(`a trace that went by OTLP over ${protocol} through a Collector to Jaeger`, () => {
    let backends: Backends;
    let broker: TestBroker;
    const stack = new AsyncDisposableStack();
    before(async () => {
      if (skip) return;
      const directory = stack.use(await TestDirectory.create());
      const hash = formatPasswordHash(await hashPassword(Buffer.from('right')));
      backends = stack.use(await Backends.start());
      const settings = {
        ...backends.settings(protocol),
        'telemetry.link_after_ms': LINK_AFTER_SECONDS * 1000,
        'authentication.password_file': directory.write('passwords', `alice:${hash}\n`),
        'listeners.0.allow_anonymous': true,
      };
      broker = stack.use(await TestBroker.start(settings, RULES));
    });
    after(() => stack.disposeAsync());

    const connect = (clientId: string, options: Partial<ConnectOptions> = {}) =>
      RawClient.connect({ port: broker.port, clientId, ...options });
    const persistent = (clientId: string) =>
      connect(clientId, { cleanStart: false, properties: { sessionExpiryInterval: 3600 } });

    /** The whole trace of this span, which must be as the catalogue says and have this shape. */
    async function traceOf(traceId: string, tree: readonly string[]): Promise<StoredSpan[]> {
      const trace = await backends.trace(traceId, namesIn(tree));
      assertFromCatalogue(trace);
      assert.deepEqual(treeOf(trace), tree);
      return trace;
    }

    const traceOfPacket = async (name: string, clientId: string, below: readonly string[]) => {
      const { traceId } = await backends.span(name, { 'mqtt.client_id': clientId });
      return traceOf(traceId, [`${name} server robustmq-broker`, ...below]);
    };

    for (const qos of [0, 1, 2] as const)
      it(`of a PUBLISH at QoS ${qos} continues the publisher’s, to a subscriber of each version`, {
        skip,
      }, async () => {
        const topic = `published/${qos}`;
        const { traceId, userProperties } = nextCaller();
        await using old = await connect(`old-${qos}`, { protocolVersion: 4 });
        await using recent = await connect(`recent-${qos}`);
        for (const subscriber of [old, recent]) await subscriber.subscribe(topic);
        await using publisher = await connect(`publisher-${qos}`);
        await Promise.all([
          publisher.publish(topic, 'hello', { qos, properties: { userProperties } }),
          old.receive(),
          recent.receive(),
        ]);
        const [root, ...others] = (await traceOf(traceId, publishTree(qos, qos, qos))).toSorted(
          (one, another) => one.startedAt - another.startedAt,
        );
        assert.deepEqual([root?.name, root?.parentSpanId, root?.isParentRemote], ['mqtt/publish', CALLER_ID, true]);
        for (const [key, value] of Object.entries({
          'mqtt.client_id': `publisher-${qos}`,
          'mqtt.topic': topic,
          'mqtt.qos': qos,
          'mqtt.retain': false,
          'mqtt.payload_size': 5,
          'robustmq.cluster': 'robustmq',
          'robustmq.broker_id': 'broker-1',
        }))
          assert.equal(root?.attributes[key], value, key);
        const receivers = others
          .filter(({ name }) => name === 'client/push')
          .map((span) => span.attributes['mqtt.client_id']);
        assert.deepEqual(receivers.toSorted(), [`old-${qos}`, `recent-${qos}`]);
      });

    it('of a PUBLISH without one is named to a subscriber of MQTT 5', { skip }, async () => {
      await using publisher = await connect('first-of-all', { protocolVersion: 4 });
      await using subscriber = await connect('told');
      await subscriber.subscribe('told');
      const [packet] = await Promise.all([subscriber.receive(), publisher.publish('told', '', { qos: 1 })]);
      const [, traceId, spanId] = traceparentOf(packet);
      const trace = await traceOf(traceId!, publishTree(1, 1));
      assert.equal(trace.find(({ name }) => name === 'client/push')?.spanId, spanId);
      const [link, ...others] = trace.find(({ name }) => name === 'journal/commit')!.links;
      assert.ok(trace.some((span) => span.traceId === link?.traceId && span.spanId === link.spanId));
      assert.deepEqual(others, []);
    });

    it('of CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ and DISCONNECT', { skip }, async () => {
      const client = await connect('everything', { userName: 'alice', password: Buffer.from('right') });
      await client.subscribe(['a/+', 'b/#']);
      await client.unsubscribe('b/#');
      await client.expectNothing();
      await client.disconnect(ReasonCode.disconnectWithWillMessage);
      await traceOfPacket('mqtt/connect', 'everything', [
        '  auth/validate internal robustmq-broker',
        '    auth/backend internal robustmq-broker',
      ]);
      const [subscribe] = await traceOfPacket('mqtt/subscribe', 'everything', [
        '  auth/validate internal robustmq-broker',
        '  topic/authorize internal robustmq-broker',
        '  topic/authorize internal robustmq-broker',
      ]);
      assert.ok(subscribe);
      await traceOfPacket('mqtt/unsubscribe', 'everything', ['  auth/validate internal robustmq-broker']);
      await traceOfPacket('mqtt/pingreq', 'everything', []);
      const [disconnect] = await traceOfPacket('mqtt/disconnect', 'everything', []);
      assert.equal(disconnect?.attributes['mqtt.reason_code'], ReasonCode.disconnectWithWillMessage);
    });

    it('of a session that stays holds what placement and its database did', { skip }, async () => {
      await using _client = await persistent('kept');
      const { traceId } = await backends.span('mqtt/connect', { 'mqtt.client_id': 'kept' });
      const trace = await backends.trace(traceId, ['metadata/update', 'storage/rocksdb.put']);
      assertFromCatalogue(trace);
      const put = trace.find(({ name }) => name === 'storage/rocksdb.put');
      assert.deepEqual([put?.kind, put?.resource['service.name']], ['client', 'robustmq-placement']);
    });

    it('of a CONNECT that is refused is a failure', { skip }, async () => {
      await using client = await RawClient.open(broker.port);
      client.sendConnect({ clientId: 'liar', userName: 'alice', password: Buffer.from('wrong') });
      assert.equal((await client.expect('connack')).reasonCode, ReasonCode.badUserNameOrPassword);
      const { traceId, attributes } = await backends.span('mqtt/connect', { 'mqtt.client_id': 'liar' });
      assert.equal(attributes['error.type'], 'refused');
      const trace = await backends.trace(traceId, ['auth/validate']);
      assertFromCatalogue(trace);
      assert.equal(trace.find(({ name }) => name === 'auth/validate')?.status.code, 'error');
    });

    it('of a PUBLISH that is not allowed is a failure where it was refused', { skip }, async () => {
      const { traceId, userProperties } = nextCaller();
      await using client = await connect('intruder');
      const reasonCode = await client.publish('secret/1', '', { qos: 1, properties: { userProperties } });
      assert.equal(reasonCode, ReasonCode.notAuthorized);
      const trace = await traceOf(traceId, [
        'mqtt/publish server robustmq-broker',
        '  auth/validate internal robustmq-broker',
        '  topic/authorize internal robustmq-broker',
      ]);
      const failed = trace.filter(({ attributes }) => attributes['error.type'] === 'not_authorized');
      assert.deepEqual(failed.map(({ name }) => name).toSorted(), ['mqtt/publish', 'topic/authorize']);
    });

    it('of a will begins with it and is linked to the CONNECT that left it', { skip }, async () => {
      await using watcher = await connect('watcher');
      await watcher.subscribe('will');
      const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} } as const;
      const client = await connect('mortal', { will });
      await client.drop();
      const [, traceId] = traceparentOf(await watcher.receive());
      const trace = await backends.trace(traceId!, ['will/publish', 'mqtt/puback', 'journal/commit']);
      assertFromCatalogue(trace);
      const given = await backends.span('mqtt/connect', { 'mqtt.client_id': 'mortal' });
      assert.deepEqual(trace.find(({ name }) => name === 'will/publish')?.links, [linkTo(given)]);
    });

    it('of a retained message is joined by its delivery to who comes later', { skip }, async () => {
      const { traceId, userProperties } = nextCaller();
      await using publisher = await connect('keeper');
      await publisher.publish('retained', 'kept', { qos: 1, retain: true, properties: { userProperties } });
      await using subscriber = await connect('later');
      await subscriber.subscribe('retained');
      await subscriber.receive();
      const trace = await backends.trace(traceId, [...namesIn(publishTree(1, 1))]);
      assertFromCatalogue(trace);
      const publish = trace.find(({ name }) => name === 'mqtt/publish')!;
      const push = trace.find(({ name }) => name === 'client/push')!;
      assert.deepEqual([push.parentSpanId, push.links], [publish.spanId, [linkTo(publish)]]);
    });

    for (const qos of [1, 2] as const)
      it(`of a delivery at QoS ${qos} to a session long away is one of its own, linked to the publisher’s`, {
        skip,
      }, async () => {
        const name = `away-${qos}`;
        const { traceId, userProperties } = nextCaller();
        const away = await persistent(name);
        await away.subscribe(name);
        await away.disconnect();
        await using publisher = await connect(`to-${name}`);
        await publisher.publish(name, 'late', { qos, properties: { userProperties } });
        broker.clock.advanceSeconds(LINK_AFTER_SECONDS + 1);
        await using back = await persistent(name);
        await back.receive();
        const publish = (await traceOf(traceId, publishTree(qos))).find((span) => span.name === 'mqtt/publish')!;
        const push = await backends.span('client/push', { 'mqtt.client_id': name });
        assert.notEqual(push.traceId, traceId);
        assert.deepEqual([push.parentSpanId, push.links], ['', [linkTo(publish)]]);
        const names: Readonly<Record<1 | 2, string[]>> = { 1: ['mqtt/puback'], 2: ['mqtt/pubrec', 'mqtt/pubcomp'] };
        assertFromCatalogue(await backends.trace(push.traceId, ['delivery/confirm', ...names[qos]]));
      });

    it('is none too few and none too many: exported, taken and stored are one number', { skip }, async () => {
      const exported = () => metric(broker.adminUrl, 'robustmq_spans_exported_total');
      await until('the Collector has taken what was exported', async () => {
        return (await exported()) === (await backends.collector.acceptedSpans());
      });
      assert.equal(await metric(broker.adminUrl, 'robustmq_spans_dropped_total'), 0);
      await broker.stop();
      const accepted = await backends.collector.acceptedSpans();
      const spans = await backends.all(accepted);
      assert.equal(spans.length, accepted);
      assertFromCatalogue(spans);
    });
  });
