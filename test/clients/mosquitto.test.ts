import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestBroker } from '../support/test-broker.ts';
import { TlsFiles } from '../support/tls-files.ts';
import { ClientProgram, skipWithout } from './support/client-program.ts';

/** What mosquitto_sub prints of a message. */
const FORMAT = '> %t qos=%q retain=%r %p';
const skip = skipWithout('mosquitto_pub', 'mosquitto_sub');

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

async function publish(version: string, ...parameters: readonly string[]): Promise<void> {
  await using program = new ClientProgram('mosquitto_pub', ['-p', String(broker.port), '-V', version, ...parameters]);
  assert.deepEqual(await program.exited, { code: 0, errors: '' });
}

/** Not yet subscribed when it returns. */
function subscriber(version: string, ...parameters: readonly string[]): ClientProgram {
  const all = ['-p', String(broker.port), '-V', version, '-F', FORMAT, ...parameters];
  // Line by line: into a pipe it would keep its output until there is a block of it.
  return new ClientProgram('stdbuf', ['-oL', 'mosquitto_sub', ...all]);
}

/** The last of several formats counts. */
async function subscribed(version: string, ...parameters: readonly string[]): Promise<ClientProgram> {
  const program = subscriber(version, '-d', ...parameters);
  await program.line(/^Subscribed/);
  return program;
}

describe('mosquitto_pub and mosquitto_sub', { skip }, () => {
  for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
    for (const published of ['0', '1', '2'])
      for (const granted of ['0', '1', '2'])
        test(`${version}: published at QoS ${published}, subscribed at ${granted}`, async () => {
          const topic = `mosquitto/${version}/${published}/${granted}`;
          await using program = await subscribed(version, '-t', topic, '-q', granted, '-C', '1');
          await publish(version, '-t', topic, '-q', published, '-m', 'hello');
          const qos = Math.min(Number(published), Number(granted));
          assert.equal(await program.line(/^>/), `> ${topic} qos=${qos} retain=0 hello`);
          assert.equal((await program.exited).code, 0);
        });

    test(`${version}: a retained message is there for who comes later, until it is cleared`, async () => {
      const topic = `mosquitto/retained/${version}`;
      await publish(version, '-t', topic, '-q', '1', '-r', '-m', 'kept');
      await using program = subscriber(version, '-t', `${topic}/#`, '-q', '1', '-C', '1');
      assert.equal(await program.line(/^>/), `> ${topic} qos=1 retain=1 kept`);
      await publish(version, '-t', topic, '-q', '1', '-r', '-n');
      await using later = await subscribed(version, '-t', topic, '-q', '1', '-C', '1');
      await publish(version, '-t', topic, '-q', '1', '-m', 'fresh');
      assert.equal(await later.line(/^>/), `> ${topic} qos=1 retain=0 fresh`);
    });

    test(`${version}: the will of a client that is killed is published`, async () => {
      const topic = `mosquitto/will/${version}`;
      await using watcher = await subscribed(version, '-t', topic, '-q', '2', '-C', '1');
      const will = ['--will-topic', topic, '--will-payload', 'gone', '--will-qos', '2'];
      await using victim = await subscribed(version, '-t', 'nothing', ...will);
      await victim.kill('SIGKILL');
      assert.equal(await watcher.line(/^>/), `> ${topic} qos=2 retain=0 gone`);
    });

    test(`${version}: a persistent session gets what it missed, in order`, async () => {
      const session = ['-c', '-i', `persistent-${version}`, '-t', `mosquitto/missed/${version}`, '-q', '2'];
      await using first = subscriber(version, ...session, '-E');
      assert.equal((await first.exited).code, 0);
      const texts = ['one', 'two', 'three'];
      for (const text of texts) await publish(version, '-t', `mosquitto/missed/${version}`, '-q', '2', '-m', text);
      await using second = subscriber(version, ...session, '-C', '3');
      for (const text of texts)
        assert.equal(await second.line(/^>/), `> mosquitto/missed/${version} qos=2 retain=0 ${text}`);
      assert.equal((await second.exited).code, 0);
    });
  }

  test('mqttv5: properties arrive', async () => {
    const format = ['-F', '> %C %D %R %E %P'];
    await using program = await subscribed('mqttv5', ...format, '-t', 'mosquitto/properties', '-C', '1');
    const properties = [
      ['content-type', 'text/plain'],
      ['correlation-data', 'c-1'],
      ['response-topic', 'answers'],
      ['message-expiry-interval', '60'],
      ['user-property', 'name', 'value'],
    ].flatMap((property) => ['-D', 'PUBLISH', ...property]);
    await publish('mqttv5', '-t', 'mosquitto/properties', '-q', '1', '-m', 'x', ...properties);
    assert.match(await program.line(/^>/), /^> text\/plain c-1 answers 60 .*name:value/);
  });

  test('mqttv5: shared subscriptions divide the messages', async () => {
    const parameters = ['-t', '$share/group/mosquitto/shared', '-q', '1', '-C', '2'];
    await using first = await subscribed('mqttv5', ...parameters);
    await using second = await subscribed('mqttv5', ...parameters);
    for (const text of ['1', '2', '3', '4']) await publish('mqttv5', '-t', 'mosquitto/shared', '-q', '1', '-m', text);
    const lines = [];
    for (const program of [first, first, second, second]) lines.push(await program.line(/^>/));
    assert.deepEqual(lines.map((line) => line.at(-1)).sort(), ['1', '2', '3', '4']);
  });

  test('a payload of a megabyte passes, at every QoS', async () => {
    const file = broker.directory.write('payload', 'x'.repeat(1_000_000));
    for (const qos of ['0', '1', '2']) {
      const parameters = ['-F', '> %l', '-t', 'mosquitto/large', '-q', qos, '-C', '1'];
      await using program = await subscribed('mqttv311', ...parameters);
      await publish('mqttv311', '-t', 'mosquitto/large', '-q', qos, '-f', file);
      assert.equal(await program.line(/^>/), '> 1000000');
    }
  });
});

describe('mosquitto_pub and mosquitto_sub over TLS, with a client certificate', { skip }, () => {
  let files: TlsFiles;
  let secure: TestBroker;
  let certificate: readonly string[];
  before(async () => {
    files = await TlsFiles.create();
    secure = await TestBroker.start({}, files.listeners(['tls'], 'required'));
    const issued = await files.authority.issue('CN=device-1');
    const cert = files.write('device.crt', issued.certificate);
    const key = files.write('device.key', issued.key);
    certificate = ['--cafile', files.path('ca.crt'), '--cert', cert, '--key', key];
  });
  after(async () => {
    await secure[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  });

  // The last of several ports counts.
  const at = (): readonly string[] => ['-p', String(secure.portOfListener('tls'))];

  for (const version of ['mqttv311', 'mqttv5'])
    for (const qos of ['0', '1', '2'])
      test(`${version}: QoS ${qos}`, async () => {
        const topic = `mosquitto/tls/${version}/${qos}`;
        await using program = await subscribed(version, ...at(), ...certificate, '-t', topic, '-q', qos, '-C', '1');
        await publish(version, ...at(), ...certificate, '-t', topic, '-q', qos, '-m', 'hello');
        assert.equal(await program.line(/^>/), `> ${topic} qos=${qos} retain=0 hello`);
        assert.equal((await program.exited).code, 0);
      });

  test('without a certificate there is no connection', async () => {
    const parameters = [...at(), '--cafile', files.path('ca.crt'), '-t', 'a', '-m', 'x'];
    await using program = new ClientProgram('mosquitto_pub', ['-V', 'mqttv5', ...parameters]);
    assert.notEqual((await program.exited).code, 0);
  });
});
