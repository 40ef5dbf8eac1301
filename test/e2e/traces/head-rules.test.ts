import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formatPasswordHash, hashPassword } from '../../../src/broker/auth/password-hash.ts';
import type { PublishPacket } from '../../../src/mqtt/packets.ts';
import { TestDirectory } from '../../support/test-settings.ts';
import { TracedBroker } from './support/traced-broker.ts';

const RULES: readonly string[] = [
  'client_id = "meter-*"\nrate = 1',
  'topic = "alarms/#"\nrate = 1',
  'user = "alice"\nrate = 1',
  'address = "192.0.2.0/24"\ntopic = "address/#"\nrate = 1',
  'address = "127.0.0.0/8"\ntopic = "address/#"\nrate = 1',
  'packet = "publish"\ntopic = "published/#"\nrate = 1',
  'packet = "delivery"\ntopic = "late/#"\nrate = 1',
  'packet = "will"\nrate = 1',
  'packet = "pingreq"\nrate = 1',
];

/** The flags of the one `traceparent` that the broker put in. */
function flagsOf({ properties }: PublishPacket): string {
  const headers = (properties.userProperties ?? []).filter(([name]) => name === 'traceparent');
  assert.equal(headers.length, 1);
  return headers[0]![1].slice(-2);
}

describe('rates by rule, where all others are 0', () => {
  let directory: TestDirectory;
  let traced: TracedBroker;
  before(async () => {
    directory = await TestDirectory.create();
    const line = `alice:${formatPasswordHash(await hashPassword(Buffer.from('secret')))}\n`;
    traced = await TracedBroker.start({
      settings: {
        'telemetry.sampling.rate': 0,
        'telemetry.sampling.slow_threshold_ms': 0,
        'telemetry.link_after_ms': 0,
        'authentication.password_file': directory.write('passwords', line),
        'listeners.0.allow_anonymous': true,
      },
      toml: RULES.map((rule) => `[[telemetry.sampling.rules]]\n${rule}\n`).join(''),
    });
  });
  after(async () => {
    await traced[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const cases: readonly (readonly [
    what: string,
    client: Parameters<TracedBroker['connect']>[0],
    topic: string,
    flags: string,
  ])[] = [
    ['nothing that a rule is about', { clientId: 'lamp' }, 'a', '00'],
    ['a client', { clientId: 'meter-7' }, 'a', '01'],
    ['a topic', { clientId: 'lamp' }, 'alarms/fire', '01'],
    ['a user', { clientId: 'lamp', userName: 'alice', password: Buffer.from('secret') }, 'a', '01'],
    ['an address, here and not elsewhere', { clientId: 'lamp' }, 'address/1', '01'],
    ['what the trace begins with', { clientId: 'lamp' }, 'published/1', '01'],
    ['what no trace of a PUBLISH begins with', { clientId: 'lamp' }, 'late/0', '00'],
  ];
  for (const [what, options, topic, flags] of cases)
    it(`by ${what}: subscribers see flags ${flags} at every QoS and version`, async () => {
      await using subscriber = await traced.connect();
      await subscriber.subscribe(topic);
      for (const protocolVersion of [4, 5] as const) {
        await using publisher = await traced.connect({ ...options, protocolVersion });
        for (const qos of [0, 1, 2] as const) {
          const [received] = await Promise.all([subscriber.receive(), publisher.publish(topic, 'x', { qos })]);
          assert.equal(flagsOf(received), flags, `QoS ${qos}, version ${protocolVersion}`);
        }
      }
    });

  it('of a delivery: one long after the publishing is a trace of its own, decided anew', async () => {
    await using client = await traced.connect({ clientId: 'lamp' });
    for (const topic of ['late/1', 'early/1']) await client.publish(topic, 'x', { qos: 1, retain: true });
    for (const [topic, flags] of [
      ['late/1', '01'],
      ['early/1', '00'],
    ] as const) {
      await client.subscribe(topic);
      assert.equal(flagsOf(await client.receive()), flags, topic);
    }
  });

  it('of a will: what its client publishes otherwise is not meant', async () => {
    await using subscriber = await traced.connect();
    await subscriber.subscribe('gone');
    const will = { topic: 'gone', payload: Buffer.from('w'), qos: 0, retain: false, properties: {} } as const;
    const mortal = await traced.connect({ clientId: 'mortal', will });
    await mortal.drop();
    assert.equal(flagsOf(await subscriber.receive()), '01');
  });

  it('of other packets: they leave the process, and those without a rule do not', async () => {
    await using client = await traced.connect({ clientId: 'pinging' });
    await client.subscribe('whatever');
    await client.expectNothing();
    await traced.span('mqtt/pingreq', { 'mqtt.client_id': 'pinging' });
    await client.disconnect();
    const names = (await traced.stop())
      .filter(({ attributes }) => attributes['mqtt.client_id'] === 'pinging')
      .map(({ name }) => name);
    assert.deepEqual([...new Set(names)], ['mqtt/pingreq']);
  });
});
