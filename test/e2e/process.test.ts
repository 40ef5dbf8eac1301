import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { BrokerProcess } from '../support/broker-process.ts';
import { payloadOf, RawClient } from '../support/raw-client.ts';
import { TestDirectory } from '../support/test-settings.ts';

const persistent = { cleanStart: false, properties: { sessionExpiryInterval: 600 } } as const;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    return await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    );
  } finally {
    socket.destroy();
  }
}

describe('robustmq start', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`${signal}: answers what it took, says goodbye, exits 0; the next start has all that was acknowledged`, async () => {
      await using directory = await TestDirectory.create();
      await using first = await BrokerProcess.start({ directory });
      const subscriber = await RawClient.connect({ port: first.port, clientId: 'sub', ...persistent });
      await subscriber.subscribe('drained');
      await subscriber.disconnect();
      await using publisher = await RawClient.connect({ port: first.port });
      const count = 500;
      for (let number = 1; number <= count; number += 1)
        publisher.sendPublish('drained', String(number), { qos: 1, packetId: number });
      await publisher.expect('puback');
      const end = first.kill(signal);
      let acknowledged = 1;
      // Until the connection is closed, which is no answer.
      while ((await publisher.take('puback').catch(() => undefined)) !== undefined) acknowledged += 1;
      assert.deepEqual(await end, { code: 0, signal: null }, first.errors);
      assert.match(first.output, /Stopping\.\n$/);

      await using second = await BrokerProcess.start({ directory });
      await using again = await RawClient.connect({ port: second.port, clientId: 'sub', ...persistent });
      assert.equal(again.connack.sessionPresent, true);
      for (let number = 1; number <= acknowledged; number += 1)
        assert.equal(payloadOf(await again.receive()), String(number));
    });

  test('a second instance on the data directory is refused with a sentence that says who holds it', async () => {
    await using directory = await TestDirectory.create();
    await using first = await BrokerProcess.start({ directory });
    const second = BrokerProcess.spawn({ directory });
    assert.deepEqual(await second.exited, { code: 75, signal: null });
    assert.match(second.errors, new RegExp(`is in use by node broker-1 \\(process ${first.pid}, since `));
    assert.equal(second.output, '');
    await using client = await RawClient.connect({ port: first.port });
    await client.expectNothing();
    await first.kill();
    // Its end gives the directory free, however it came.
    await using third = await BrokerProcess.start({ directory });
    await third.kill('SIGKILL');
    await using fourth = await BrokerProcess.start({ directory });
    assert.deepEqual(await fourth.kill(), { code: 0, signal: null });
  });

  for (const [what, settings, toml, sentences] of [
    [
      'a listener for everyone without authentication',
      { 'listeners.0.address': '0.0.0.0' },
      undefined,
      [/listener "default" on 0\.0\.0\.0/, /authentication\.password_file/, /allow_anonymous = true/],
    ],
    ['an impossible value', { 'mqtt.max_qos': 3 }, undefined, [/mqtt\.max_qos = 3/, /from 0 to 2|0 to 2/]],
    [
      'a wrong type',
      { 'journal.sync': 'sometimes' },
      undefined,
      [/journal\.sync = "sometimes"/, /always.*interval.*never/],
    ],
    ['an unknown key', {}, '[mqtt]\nmax_quos = 1\n', [/mqtt\.max_quos/, /robustmq\.toml/, /max_qos/]],
    ['a file that is not TOML', {}, '[mqtt\n', [/robustmq\.toml:1:\d+: not valid TOML/]],
    [
      'a missing password file',
      { 'authentication.password_file': '/nowhere/passwords' },
      undefined,
      [/\/nowhere\/passwords/],
    ],
    [
      'TLS without a certificate',
      { 'listeners.0.transport': 'tls' },
      undefined,
      [
        /listeners\.0\.tls\.certificate_file is missing/,
        /listeners\.0\.tls\.key_file is missing/,
        /"tls" must have a PEM file/,
      ],
    ],
    [
      'a certificate without TLS',
      { 'listeners.0.tls.certificate_file': './server.crt' },
      undefined,
      [/listeners\.0\.tls\.certificate_file = "\.\/server\.crt"/, /transport be "tls" or "wss"/],
    ],
    [
      'a certificate that is not there',
      {
        'listeners.0.transport': 'wss',
        'listeners.0.tls.certificate_file': '/nowhere/server.crt',
        'listeners.0.tls.key_file': '/nowhere/server.key',
      },
      undefined,
      [
        /listeners\.0\.tls\.certificate_file = "\/nowhere\/server\.crt": cannot be read/,
        /key_file = .*: cannot be read/,
      ],
    ],
    [
      'a rule with a wrong filter',
      {},
      '[[authorization.rules]]\npermission = "allow"\naction = "publish"\ntopics = ["a/#/b"]\n',
      [/a\/#\/b/],
    ],
  ] as const)
    test(`${what}: exit 78 with key, value and what is allowed, and no port opened`, async () => {
      await using directory = await TestDirectory.create();
      const port = await freePort();
      const broker = BrokerProcess.spawn({
        directory,
        settings: { ...settings, 'listeners.0.port': port },
        ...(toml !== undefined && { toml }),
      });
      assert.deepEqual(await broker.exited, { code: 78, signal: null }, broker.errors);
      for (const sentence of sentences) assert.match(broker.errors, sentence);
      assert.equal(broker.output, '');
      assert.equal(await isOpen(port), false);
      assert.equal(existsSync(directory.dataDir), false);
    });

  test('a listener for everyone is opened when that is said aloud', async () => {
    await using directory = await TestDirectory.create();
    const settings = { 'listeners.0.address': '0.0.0.0', 'listeners.0.allow_anonymous': true };
    await using broker = await BrokerProcess.start({ directory, settings });
    assert.match(broker.output, /MQTT +mqtt:\/\/0\.0\.0\.0:\d+ \(anonymous clients welcome\)/);
    assert.deepEqual(await broker.kill(), { code: 0, signal: null });
  });

  test('a port that is taken: a sentence, exit 69, and the data directory is free again', async () => {
    await using directory = await TestDirectory.create();
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const broker = BrokerProcess.spawn({ directory, settings: { 'listeners.0.port': port } });
    assert.deepEqual(await broker.exited, { code: 69, signal: null }, broker.errors);
    assert.match(broker.errors, new RegExp(`127\\.0\\.0\\.1:${port}: another program listens there`));
    taken.close();
    await once(taken, 'close');
    await using next = await BrokerProcess.start({ directory, settings: { 'listeners.0.port': port } });
    assert.deepEqual(await next.kill(), { code: 0, signal: null });
  });
});
