import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formatPasswordHash, hashPassword } from '../../../src/broker/auth/password-hash.ts';
import { ReasonCode } from '../../../src/mqtt/reason-code.ts';
import type { ReceivedSpan } from '../../../src/telemetry/testing/otlp-decoder.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TestDirectory } from '../../support/test-settings.ts';
import { TracedBroker } from './support/traced-broker.ts';

/** Status ERROR with the message of `error.message`, and the code that tells failures apart. */
function assertFailed(span: ReceivedSpan, errorType: string): void {
  assert.equal(span.status.code, 'error', span.name);
  assert.equal(span.attributes['error.type'], errorType, span.name);
  assert.equal(span.attributes['error.message'], span.status.message, span.name);
  assert.ok(span.status.message.length > 0, span.name);
}

describe('what is refused is a failed span that says why', () => {
  let traced: TracedBroker;
  let directory: TestDirectory;
  before(async () => {
    directory = await TestDirectory.create();
    const hash = formatPasswordHash(await hashPassword(Buffer.from('right')));
    const passwordFile = directory.write('passwords', `alice:${hash}\n`);
    traced = await TracedBroker.start({
      settings: { 'authentication.password_file': passwordFile, 'listeners.0.allow_anonymous': true },
      toml: `
[[authorization.rules]]
permission = "deny"
action = "all"
topics = ["secret/#"]
[[authorization.rules]]
permission = "allow"
action = "all"
topics = ["#"]
`,
    });
  });
  after(async () => {
    await traced[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it('a CONNECT with the wrong password, of which nothing is told', async () => {
    await using client = await RawClient.open(traced.port);
    client.sendConnect({ clientId: 'liar', userName: 'alice', password: Buffer.from('wr0ng') });
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.badUserNameOrPassword);
    const span = await traced.span('mqtt/connect', { 'mqtt.client_id': 'liar' });
    assertFailed(span, 'refused');
    assert.equal(span.attributes['mqtt.reason_code'], ReasonCode.badUserNameOrPassword);
    const validate = (await traced.trace(span.traceId, ['auth/validate'])).find(
      ({ name }) => name === 'auth/validate',
    )!;
    assertFailed(validate, 'refused');
    assert.ok(!JSON.stringify(traced.receiver.spans).includes('wr0ng'));
  });

  it('a CONNECT that is malformed', async () => {
    // Level 9: later than any we know, so answered in the words of the latest [MQTT-3.1.2-2].
    await using client = await RawClient.open(traced.port, 5);
    client.sendBytes(Buffer.from([0x10, 0x08, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2]));
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.unsupportedProtocolVersion);
    const { traceId } = await traced.span('mqtt/connect', { 'error.type': 'unsupported_protocol_version' });
    assert.match(traceId, /^[0-9a-f]{32}$/);
  });

  it('a PUBLISH that no rule allows', async () => {
    await using client = await traced.connect({ clientId: 'intruder' });
    assert.equal(await client.publish('secret/1', '', { qos: 1 }), ReasonCode.notAuthorized);
    const span = await traced.span('mqtt/publish', { 'mqtt.topic': 'secret/1' });
    assertFailed(span, 'not_authorized');
    assert.equal(span.attributes['performance.success'], false);
    const trace = await traced.trace(span.traceId, ['topic/authorize']);
    assertFailed(trace.find(({ name }) => name === 'topic/authorize')!, 'not_authorized');
    assert.deepEqual(trace.map(({ name }) => name).toSorted(), ['auth/validate', 'mqtt/publish', 'topic/authorize']);
  });

  it('a SUBSCRIBE of which a filter is not allowed', async () => {
    await using client = await traced.connect({ clientId: 'curious' });
    assert.deepEqual((await client.subscribe(['open/#', 'secret/#'])).reasonCodes, [2, ReasonCode.notAuthorized]);
    const span = await traced.span('mqtt/subscribe', { 'mqtt.client_id': 'curious' });
    assertFailed(span, 'mqtt_0x87');
    assert.equal(span.attributes['mqtt.reason_code'], ReasonCode.notAuthorized);
    const trace = await traced.trace(span.traceId, ['topic/authorize', 'topic/authorize']);
    assert.deepEqual(
      trace.filter(({ name }) => name === 'topic/authorize').map(({ status }) => status.code),
      ['unset', 'error'],
    );
  });

  it('a delivery that the subscriber refuses', async () => {
    await using subscriber = await traced.connect({ clientId: 'refuser' });
    await using publisher = await traced.connect();
    await subscriber.subscribe({ filter: 'refused', qos: 1 });
    await publisher.publish('refused', '', { qos: 1 });
    const { packetId } = await subscriber.expect('publish');
    subscriber.sendAck('puback', packetId, ReasonCode.quotaExceeded);
    assertFailed(await traced.span('delivery/confirm', { 'mqtt.client_id': 'refuser' }), 'mqtt_0x97');
  });

  it('a message too large for a subscriber', async () => {
    await using subscriber = await traced.connect({ clientId: 'small', properties: { maximumPacketSize: 50 } });
    await using publisher = await traced.connect();
    await subscriber.subscribe('large');
    await publisher.publish('large', 'x'.repeat(100), { qos: 1 });
    const span = await traced.span('client/push', { 'mqtt.client_id': 'small' });
    assertFailed(span, 'dropped');
    assert.equal(span.attributes['robustmq.drop.reason'], 'too_large');
  });

  const faults: Readonly<Record<string, readonly [bytes: readonly number[], errorType: string, reason: ReasonCode]>> = {
    'a packet that is malformed': [[0xc0, 1, 0], 'malformed_packet', ReasonCode.malformedPacket],
    'a second CONNECT': [
      [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 2, 0, 0, 0, 0, 0],
      'protocol_error',
      ReasonCode.protocolError,
    ],
    'a PUBLISH to a wildcard': [[0x30, 4, 0, 1, 0x23, 0], 'protocol_error', ReasonCode.topicNameInvalid],
  };
  for (const [fault, [bytes, errorType, reasonCode]] of Object.entries(faults))
    it(`${fault}: the broker's DISCONNECT`, async () => {
      await using client = await traced.connect({ clientId: fault });
      client.sendBytes(Buffer.from(bytes));
      await client.expectDisconnect(reasonCode);
      const span = await traced.span('mqtt/disconnect', { 'mqtt.client_id': fault });
      assertFailed(span, errorType);
      assert.equal(span.attributes['mqtt.reason_code'], reasonCode);
      assert.equal(span.kind, 'server');
    });

  it('more messages on their way than the broker allows', async () => {
    await using strict = await TracedBroker.start({ settings: { 'mqtt.receive_maximum': 1 } });
    await using client = await strict.connect({ clientId: 'hasty' });
    client.sendPublish('a', '', { qos: 2 });
    client.sendPublish('b', '', { qos: 2 });
    await client.take('disconnect');
    assertFailed(await strict.span('mqtt/publish', { 'mqtt.topic': 'b' }), 'receive_maximum_exceeded');
    assert.equal((await strict.span('mqtt/publish', { 'mqtt.topic': 'a' })).status.code, 'unset');
  });
});

describe('storage that fails', () => {
  const settings = { 'journal.engine': 'memory', 'journal.memory_bytes': 4096 };

  it('fails the PUBLISH from the journal up, with the exception where it was thrown', async () => {
    await using traced = await TracedBroker.start({ settings });
    await using client = await traced.connect();
    assert.equal(await client.publish('huge', 'x'.repeat(8192), { qos: 1 }), ReasonCode.quotaExceeded);
    const { traceId } = await traced.span('mqtt/publish', { 'mqtt.topic': 'huge' });
    const trace = await traced.trace(traceId, ['journal/write', 'storage/journal.write', 'storage/persist']);
    const byName = new Map(trace.map((span) => [span.name, span]));
    assertFailed(byName.get('mqtt/publish')!, 'storage_failed');
    assertFailed(byName.get('storage/persist')!, 'storage_failed');
    assertFailed(byName.get('journal/write')!, 'too_large');
    const storage = byName.get('storage/journal.write')!;
    assertFailed(storage, 'too_large');
    assert.equal(storage.attributes['storage.success'], false);
    for (const name of ['storage/persist', 'storage/journal.write']) {
      const [event, ...others] = byName.get(name)!.events;
      assert.equal(others.length, 0);
      assert.equal(event?.name, 'exception');
      assert.match(String(event.attributes['exception.type']), /./);
      assert.match(String(event.attributes['exception.message']), /exceeds/);
      assert.match(String(event.attributes['exception.stacktrace']), /at /);
    }
    const metrics = await traced.metrics();
    assert.equal(metrics.get('robustmq_request_errors_total{operation="publish"}'), 1);
    assert.equal(metrics.get('robustmq_trace_errors_total'), 1);
    assert.equal(metrics.get('robustmq_journal_append_errors_total'), 1);
    assert.equal(metrics.get('robustmq_messages_dropped_total{reason="storage_failed"}'), 1);
  });
});
