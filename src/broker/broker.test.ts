import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestAuthority } from '../../test/support/certificates.ts';
import { payloadOf, RawClient } from '../../test/support/raw-client.ts';
import { systemClock } from '../base/clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { MemoryJournal } from '../journal/engines/memory/memory-journal.ts';
import { MemoryPlacement } from '../placement/engines/memory/memory-placement.ts';
import { METRICS } from '../telemetry/catalogue.ts';
import { testTelemetry } from '../telemetry/testing/test-telemetry.ts';
import type { BrokerParts } from './assembly/broker-parts.ts';
import { AccessControl } from './auth/access-control.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { compileAccessRules } from './auth/authorizer.ts';
import { Broker } from './broker.ts';
import { checkpointKey } from './durability/checkpoint.ts';
import { ListenError } from './listener.ts';
import { TestClock } from './testing/test-clock.ts';

const PERSISTENT = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 1000 } };

/** What a broker needs, on engines that outlive it. */
function partsWith(engines: Pick<BrokerParts, 'journal' | 'placement'>, ...ports: number[]): BrokerParts {
  const set = ports.flatMap((port, index) => [`listeners.${index}.port=${port}`, `listeners.${index}.name=l${index}`]);
  const config = loadConfig({ environment: {}, flags: { set } });
  const { recording, recorder, metrics, log } = testTelemetry();
  const clock = new TestClock();
  const authenticators = new Map(config.listeners.map(({ name }) => [name, createAuthenticator([], true, clock)]));
  const access = new AccessControl(compileAccessRules([]), recorder, clock);
  return { config, ...engines, authenticators, enhanced: new Map(), access, recording, metrics, log, clock };
}

function engines() {
  return { journal: new MemoryJournal({ clock: new TestClock() }), placement: new MemoryPlacement() };
}

describe('a broker', () => {
  it('serves on every listener that is configured', async () => {
    const broker = await Broker.start(partsWith(engines(), 0, 0));
    const [first, second] = broker.addresses.map(({ port }) => port);
    await using subscriber = await RawClient.connect({ port: first! });
    await using publisher = await RawClient.connect({ port: second! });
    assert.equal(broker.connectionCount, 2);
    await subscriber.subscribe('a');
    await publisher.publish('a', 'x', { qos: 1 });
    assert.equal(payloadOf(await subscriber.receive()), 'x');
    await broker.stop();
  });

  it('tells at its start and with new certificates of one that has expired, and of no other', async () => {
    const authority = await TestAuthority.create();
    const material = (days: number) =>
      authority.issue('CN=localhost', { days }).then((pair) => ({ ...pair, clientAuthorities: [], revocations: [] }));
    const [expired, valid] = [new Map([['tls', await material(-1)]]), new Map([['tls', await material(1)]])];
    const set = ['port=0', 'name=tls', 'transport=tls', 'tls.certificate_file=server.crt', 'tls.key_file=server.key'];
    const config = loadConfig({ environment: {}, flags: { set: set.map((key) => `listeners.0.${key}`) } });
    const telemetry = testTelemetry();
    const parts = { ...partsWith(engines()), config, log: telemetry.log, clock: systemClock };
    const told = () => telemetry.logLines.filter(({ event }) => event === 'listener.certificate_expired');
    const broker = await Broker.start(parts, expired);
    assert.deepEqual(
      told().map(({ level, listener }) => [level, listener]),
      [['warn', 'tls']],
    );
    broker.replaceCertificates(valid);
    assert.equal(told().length, 1);
    broker.replaceCertificates(expired);
    assert.equal(told().length, 2);
    await broker.stop();
  });

  it('that stops has answered what it took, and leaves all that another goes on with', async () => {
    const kept = engines();
    const first = await Broker.start(partsWith(kept, 0));
    const { port } = first.addresses[0]!;
    await using away = await RawClient.connect({ port, ...PERSISTENT });
    await away.subscribe({ filter: 'a', qos: 1 });
    await away.disconnect();
    await using publisher = await RawClient.connect({ port });
    const packetId = publisher.sendPublish('a', 'x', { qos: 1, retain: true });
    assert.equal((await publisher.expect('puback')).packetId, packetId);
    await first.stop();
    await publisher.expect('disconnect');
    assert.ok(await kept.placement.get(checkpointKey('broker-1')), 'a last checkpoint');

    const second = await Broker.start(partsWith(kept, 0));
    const [address] = second.addresses;
    await using back = await RawClient.connect({ port: address!.port, ...PERSISTENT });
    assert.equal(back.connack.sessionPresent, true);
    assert.equal(payloadOf(await back.receive()), 'x');
    await using another = await RawClient.connect({ port: address!.port });
    await another.subscribe('a');
    assert.equal(payloadOf(await another.receive()), 'x');
    await second.stop();
  });

  it('that cannot have one of its ports takes none', async () => {
    const holder = await Broker.start(partsWith(engines(), 0));
    const taken = holder.addresses[0]!.port;
    const parts = partsWith(engines(), 0, taken);
    await assert.rejects(Broker.start(parts), ListenError);
    assert.equal(parts.metrics.readGauge(METRICS.connections), 0);
    await holder.stop();
  });

  it('shows what it holds', async () => {
    const parts = partsWith(engines(), 0);
    const broker = await Broker.start(parts);
    const { port } = broker.addresses[0]!;
    await using client = await RawClient.connect({ port });
    await client.subscribe(['a', 'b']);
    client.sendPublish('a', 'x', { qos: 1, retain: true });
    await client.take('publish');
    const gauges = [
      METRICS.connections,
      METRICS.sessions,
      METRICS.subscriptions,
      METRICS.retainedMessages,
      METRICS.inflightMessages,
    ];
    assert.deepEqual(
      gauges.map((gauge) => parts.metrics.readGauge(gauge)),
      [1, 1, 2, 1, 1],
    );
    await broker.stop();
  });
});
