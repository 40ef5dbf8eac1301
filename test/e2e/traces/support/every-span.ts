import { setTimeout } from 'node:timers/promises';
import { formatPasswordHash, hashPassword } from '../../../../src/broker/auth/password-hash.ts';
import { deriveScramCredential, formatScramCredential } from '../../../../src/broker/auth/scram-credential.ts';
import { ReasonCode } from '../../../../src/mqtt/reason-code.ts';
import { RawClient } from '../../../support/raw-client.ts';
import { ScramClient } from '../../../support/scram-client.ts';
import type { Settings, TestDirectory } from '../../../support/test-settings.ts';
import { TracedBroker } from './traced-broker.ts';

const METHOD = 'SCRAM-SHA-256';
const PERSISTENT = { cleanStart: false, properties: { sessionExpiryInterval: 60 } } as const;
const LARGE_FAN_OUT = 34;
const RELEASED_AT_ONCE = 600;
const MORE_THAN_TOLD = 130;
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

/** A broker that tells all it may, with users, rules and a small receive maximum; every span is kept for whatever reason. */
export async function talkativeBroker(directory: TestDirectory): Promise<TracedBroker> {
  const hash = formatPasswordHash(await hashPassword(Buffer.from('right')));
  const credential = formatScramCredential((await deriveScramCredential('pencil', 4096))!);
  return TracedBroker.start({
    settings: {
      'authentication.password_file': directory.write('passwords', `alice:${hash}\ndave:${hash}\n`),
      'authentication.scram_file': directory.write('scram', `carol:${credential}\n`),
      'authentication.failure_delay_ms': 0,
      'authentication.max_failures': 2,
      'listeners.0.allow_anonymous': true,
      'telemetry.attributes.user_name': 'plain',
      'telemetry.attributes.payload': 'plain',
      'telemetry.attributes.user_properties': 'tenant',
    },
    toml: RULES,
  });
}

/** A broker whose journal takes only little, that hashes what it tells, and calls every later delivery a trace of its own. */
export async function smallBroker(directory: TestDirectory, settings: Settings): Promise<TracedBroker> {
  const hash = formatPasswordHash(await hashPassword(Buffer.from('right')));
  return TracedBroker.start({
    settings: {
      'authentication.password_file': directory.write('few', `alice:${hash}\n`),
      'journal.engine': 'memory',
      'journal.memory_bytes': 4096,
      'mqtt.max_retained_messages': 1,
      'telemetry.link_after_ms': 0,
      'telemetry.attributes.user_name': 'hash',
      'telemetry.attributes.payload': 'hash',
      ...settings,
    },
  });
}

/** Clients come in all ways, and are refused in most. */
export async function connectInAllWays(traced: TracedBroker): Promise<void> {
  const { port } = traced;
  await using _right = await traced.connect({ clientId: 'right', userName: 'alice', password: Buffer.from('right') });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await using liar = await RawClient.open(port);
    liar.sendConnect({ clientId: 'liar', userName: 'dave', password: Buffer.from('wrong') });
    await liar.expect('connack');
  }
  await using unreadable = await RawClient.open(port);
  unreadable.sendBytes(Buffer.from([0x10, 0x08, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2]));
  await unreadable.expect('connack');
  const will = { topic: 'secret/will', payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;
  await using willing = await RawClient.open(port);
  willing.sendConnect({ clientId: 'willing', will });
  await willing.expect('connack');
  await exchange(port, 'pencil');
  await exchange(port, 'pen');
  await using misled = await traced.connect({ clientId: 'misled' });
  misled.send({ type: 'auth', reasonCode: ReasonCode.reAuthenticate, properties: { authenticationMethod: 'x' } });
  await misled.ended();
}

async function exchange(port: number, password: string): Promise<void> {
  await using client = await RawClient.open(port);
  const scram = new ScramClient('carol', password);
  client.sendConnect({
    clientId: 'carol',
    properties: { authenticationMethod: METHOD, authenticationData: scram.first },
  });
  const challenge = await client.expect('auth');
  const authenticationData = scram.final(challenge.properties.authenticationData!);
  const properties = { authenticationMethod: METHOD, authenticationData };
  client.send({ type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties });
  await client.next();
}

/** Every packet of a client that is connected, taken and refused. */
export async function sendEveryPacket(traced: TracedBroker): Promise<void> {
  await using subscriber = await traced.connect({ clientId: 'subscriber', ...PERSISTENT });
  await using publisher = await traced.connect({
    clientId: 'publisher',
    userName: 'alice',
    password: Buffer.from('right'),
  });
  const many = Array.from({ length: MORE_THAN_TOLD }, (_, index) => `many/${index}`);
  await subscriber.subscribe(['plain', 'secret/#', ...many]);
  await subscriber.unsubscribe(...many);
  const properties = { userProperties: [['tenant', 'acme']] } as never;
  for (const qos of [0, 1, 2] as const) {
    await publisher.publish('plain', 'm', { qos, properties, duplicate: qos > 0 });
    await subscriber.receive();
  }
  for (let index = 0; index < 4; index += 1) publisher.sendPublish('plain', `${index}`);
  for (let index = 0; index < 4; index += 1) await subscriber.receive();
  await publisher.publish('plain', 'm', { qos: 1 });
  subscriber.sendAck('puback', (await subscriber.expect('publish')).packetId, ReasonCode.quotaExceeded);
  await publisher.publish('secret/1', 'm', { qos: 1 });
  publisher.sendAck('pubrel', 4711);
  await publisher.take('pubcomp');
  await subscriber.expectNothing();
  subscriber.sendBytes(Buffer.from([0xc0, 1, 0]));
  await subscriber.ended();
  await publisher.disconnect();
}

/** Messages that reach nobody, many, or somebody later. */
export async function deliverInAllWays(traced: TracedBroker): Promise<void> {
  const will = {
    topic: 'fan',
    payload: Buffer.from('w'),
    qos: 1,
    retain: false,
    properties: { userProperties: [['tenant', 'acme']] },
  } as never;
  const subscribers = await Promise.all(
    Array.from({ length: LARGE_FAN_OUT }, (_, index) => traced.connect({ clientId: `fan-${index}` })),
  );
  for (const client of subscribers) await client.subscribe('fan');
  await using small = await traced.connect({ clientId: 'small', properties: { maximumPacketSize: 50 } });
  await small.subscribe(['large', 'fan']);
  const absent = await traced.connect({ clientId: 'absent', ...PERSISTENT });
  await absent.subscribe('later');
  await using publisher = await traced.connect({ clientId: 'source', will });
  await publisher.publish('fan', 'm', { qos: 1 });
  await publisher.publish('fan', 'x'.repeat(100), { qos: 1 });
  await publisher.publish('large', 'x'.repeat(100), { qos: 1 });
  await publisher.publish('later', 'one', { qos: 1 });
  await absent.expect('publish');
  await absent.drop();
  await publisher.publish('later', 'two', { qos: 1 });
  await using returned = await traced.connect({ clientId: 'absent', ...PERSISTENT });
  await returned.receive();
  await returned.receive();
  await publisher.drop();
  for (const client of subscribers) await client.expect('publish');
  for (const client of subscribers) await client.drop();
  await using fresh = await traced.connect({ clientId: 'absent', cleanStart: true });
  await fresh.disconnect();
}

/** What cannot be kept, and what the broker does not take. */
export async function failToStore(traced: TracedBroker): Promise<void> {
  const alice = { userName: 'alice', password: Buffer.from('right') };
  await using client = await traced.connect({ clientId: 'c', ...alice });
  await client.publish('kept', 'r', { qos: 1, retain: true });
  await client.publish('beyond', 'r', { qos: 1, retain: true });
  await setTimeout(2);
  await client.subscribe('kept');
  await client.receive();
  await client.publish('huge', 'x'.repeat(8192), { qos: 1 });
  const will = { topic: 'huge', payload: Buffer.alloc(8192), qos: 1, retain: false, properties: {} } as const;
  await using dying = await traced.connect({ clientId: 'dying', will, ...alice });
  await dying.drop();
  client.sendPublish('a', '', { qos: 2 });
  client.sendPublish('b', '', { qos: 2 });
  await client.ended();
}

/** More releases at once than the log of what sessions did can take. */
export async function failToRelease(traced: TracedBroker): Promise<void> {
  await using client = await traced.connect({ clientId: 'releasing', ...PERSISTENT });
  for (let packetId = 1; packetId <= RELEASED_AT_ONCE; packetId += 1) {
    client.sendPublish('a', '', { qos: 2, packetId });
    await client.take('pubrec');
  }
  const packetIds = Array.from({ length: RELEASED_AT_ONCE }, (_, index) => index + 1);
  client.send(...packetIds.map((packetId) => ({ type: 'pubrel', packetId, reasonCode: 0, properties: {} }) as const));
  await client.ended();
}

/** Placement is gone behind the broker's back, so that nothing of a session can be stored. */
export async function failMetadata(traced: TracedBroker): Promise<void> {
  await using one = await traced.connect({ clientId: 'one', ...PERSISTENT });
  await using two = await traced.connect({ clientId: 'two', ...PERSISTENT });
  await two.subscribe('a');
  await traced.broker.placement.close();
  void one.subscribe('a').catch(() => undefined);
  two.send({ type: 'unsubscribe', packetId: 2, filters: ['a'], properties: {} });
  await Promise.all([one.ended(), two.ended()]);
}
