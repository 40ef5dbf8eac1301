import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

for (const protocol of ['grpc', 'http'] as const)
  describe(`every packet is a span of kind SERVER, by OTLP over ${protocol}`, () => {
    let traced: TracedBroker;
    before(async () => {
      traced = await TracedBroker.start({ protocol });
    });
    after(() => traced[Symbol.asyncDispose]());

    it('CONNECT with its CONNACK', async () => {
      await using client = await traced.connect({ clientId: 'c', cleanStart: true });
      const span = await traced.span('mqtt/connect', { 'mqtt.client_id': 'c' });
      assert.equal(span.kind, 'server');
      const {
        'network.peer.port': port,
        'robustmq.session_id': session,
        'performance.latency_ms': latency,
        ...attributes
      } = span.attributes;
      assert.partialDeepStrictEqual(attributes, {
        'mqtt.client_id': 'c',
        'mqtt.protocol_version': '5.0',
        'mqtt.clean_session': true,
        'network.peer.address': '127.0.0.1',
        'robustmq.cluster': 'robustmq',
        'robustmq.broker_id': 'broker-1',
        'mqtt.reason_code': ReasonCode.success,
        'performance.success': true,
        'robustmq.sampling.reason': 'head',
      });
      assert.equal(typeof latency, 'number');
      assert.equal(typeof port, 'number');
      assert.equal(typeof session, 'string');
      const validate = (await traced.trace(span.traceId, ['auth/validate'])).find(
        ({ name }) => name === 'auth/validate',
      );
      assert.equal(validate?.parentSpanId, span.spanId);
      assert.deepEqual(validate.attributes, { 'robustmq.auth.method': 'anonymous', 'robustmq.auth.cached': false });
      assert.equal(client.connack.reasonCode, ReasonCode.success);
    });

    it('CONNECT without a client identifier, under the one it was given', async () => {
      await using client = await traced.connect();
      const { assignedClientIdentifier } = client.connack.properties;
      await traced.span('mqtt/connect', { 'mqtt.client_id': assignedClientIdentifier! });
    });

    it('CONNECT of MQTT 3.1.1 for a session that stays, with the metadata written below it', async () => {
      await using _client = await traced.connect({ clientId: 'c4', protocolVersion: 4, cleanStart: false });
      const span = await traced.span('mqtt/connect', { 'mqtt.client_id': 'c4' });
      assert.equal(span.attributes['mqtt.protocol_version'], '3.1.1');
      assert.equal(span.attributes['mqtt.clean_session'], false);
      const trace = await traced.trace(span.traceId, ['metadata/update', 'storage/rocksdb.put']);
      const put = trace.find(({ name }) => name === 'storage/rocksdb.put')!;
      assert.equal(put.kind, 'client');
      assert.equal(put.resource['service.name'], 'robustmq-placement');
      assert.deepEqual(Object.keys(put.attributes).sort(), [
        'db.key',
        'db.operation',
        'db.operation.name',
        'db.system.name',
        'db.value_size',
      ]);
      assert.equal(put.attributes['db.operation'], 'put');
      const update = trace.find(({ spanId }) => spanId === put.parentSpanId);
      assert.equal(update?.name, 'metadata/update');
      assert.equal(update.parentSpanId, span.spanId);
    });

    it('SUBSCRIBE with its SUBACK, UNSUBSCRIBE with its UNSUBACK', async () => {
      await using client = await traced.connect({ clientId: 's' });
      await client.subscribe(['a/+', 'b/#']);
      await client.unsubscribe('b/#');
      const subscribe = await traced.span('mqtt/subscribe', { 'mqtt.client_id': 's' });
      assert.deepEqual(subscribe.attributes['mqtt.topics'], ['a/+', 'b/#']);
      assert.equal(subscribe.attributes['mqtt.packet_id'], 1);
      const below = await traced.trace(subscribe.traceId, ['auth/validate', 'topic/authorize', 'topic/authorize']);
      assert.deepEqual(
        below.filter(({ name }) => name === 'topic/authorize').map(({ attributes }) => attributes['mqtt.topic']),
        ['a/+', 'b/#'],
      );
      const unsubscribe = await traced.span('mqtt/unsubscribe', { 'mqtt.client_id': 's' });
      assert.deepEqual(unsubscribe.attributes['mqtt.topics'], ['b/#']);
      assert.equal(unsubscribe.attributes['mqtt.packet_id'], 2);
      assert.equal(unsubscribe.kind, 'server');
    });

    it('PINGREQ with its PINGRESP', async () => {
      await using client = await traced.connect({ clientId: 'p' });
      await client.expectNothing();
      assert.equal((await traced.span('mqtt/pingreq', { 'mqtt.client_id': 'p' })).kind, 'server');
    });

    it('DISCONNECT of the client', async () => {
      const client = await traced.connect({ clientId: 'd' });
      await client.disconnect(ReasonCode.disconnectWithWillMessage);
      const span = await traced.span('mqtt/disconnect', { 'mqtt.client_id': 'd' });
      assert.equal(span.attributes['mqtt.reason_code'], ReasonCode.disconnectWithWillMessage);
      assert.equal(span.status.code, 'unset');
    });

    it('DISCONNECT to a client whose session another takes: no failure', async () => {
      await using first = await traced.connect({ clientId: 'taken' });
      await using _second = await traced.connect({ clientId: 'taken' });
      await first.expectDisconnect(ReasonCode.sessionTakenOver);
      const span = await traced.span('mqtt/disconnect', { 'mqtt.client_id': 'taken' });
      assert.equal(span.attributes['mqtt.reason_code'], ReasonCode.sessionTakenOver);
      assert.equal(span.status.code, 'unset');
    });

    it('AUTH, which no client may send as no authentication method is offered', async () => {
      await using client = await traced.connect({ clientId: 'auth' });
      client.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties: { authenticationMethod: 'x' } });
      await client.expectDisconnect(ReasonCode.protocolError);
      const span = await traced.span('mqtt/auth', { 'mqtt.client_id': 'auth' });
      assert.equal(span.attributes['mqtt.reason_code'], ReasonCode.reAuthenticate);
      assert.equal(span.attributes['error.type'], 'protocol_error');
    });

    it('PUBLISH, PUBREL; PUBACK, PUBREC and PUBCOMP of subscribers', async () => {
      await using publisher = await traced.connect({ clientId: 'pub' });
      await using subscriber = await RawClient.connect({ port: traced.port, clientId: 'sub' });
      await subscriber.subscribe('all/#');
      const published = [publisher.publish('all/1', '', { qos: 1 }), publisher.publish('all/2', '', { qos: 2 })];
      await subscriber.receive();
      await subscriber.receive();
      await Promise.all(published);
      const one = await traced.span('mqtt/publish', { 'mqtt.topic': 'all/1' });
      const two = await traced.span('mqtt/publish', { 'mqtt.topic': 'all/2' });
      const spans = [
        ...(await traced.trace(one.traceId, ['mqtt/puback'])),
        ...(await traced.trace(two.traceId, ['mqtt/pubrec', 'mqtt/pubrel', 'mqtt/pubcomp'])),
      ];
      for (const name of ['mqtt/puback', 'mqtt/pubrec', 'mqtt/pubrel', 'mqtt/pubcomp']) {
        const [span, ...others] = spans.filter((candidate) => candidate.name === name);
        assert.equal(span?.kind, 'server', name);
        assert.equal(typeof span.attributes['mqtt.packet_id'], 'number', name);
        assert.equal(others.length, 0, name);
      }
    });
  });
