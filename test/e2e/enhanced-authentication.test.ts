import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { connect, type IClientOptions } from 'mqtt';
import { deriveScramCredential, formatScramCredential } from '../../src/broker/auth/scram-credential.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { ScramClient } from '../support/scram-client.ts';
import { TestBroker } from '../support/test-broker.ts';
import { TestDirectory } from '../support/test-settings.ts';

const METHOD = 'SCRAM-SHA-256';

/** A line of the file, as `robustmq passwd --scram` writes it, made with fewer iterations. */
async function lineOf(user: string, password: string): Promise<string> {
  return `${user}:${formatScramCredential((await deriveScramCredential(password, 4096))!)}\n`;
}

/** The answer to the whole exchange. */
async function login(port: number, user: string, password: string) {
  await using client = await RawClient.open(port);
  const scram = new ScramClient(user, password);
  const properties = { authenticationMethod: METHOD, authenticationData: scram.first };
  client.sendConnect({ clientId: user, properties });
  const challenge = await client.next();
  if (challenge.type === 'connack') return { reasonCode: challenge.reasonCode, isTrusted: false };
  assert.ok(challenge.type === 'auth');
  const authenticationData = scram.final(challenge.properties.authenticationData!);
  const answer = { authenticationMethod: METHOD, authenticationData };
  client.send({ type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties: answer });
  const { reasonCode, properties: said } = await client.expect('connack');
  return { reasonCode, isTrusted: scram.trusts(said.authenticationData) };
}

const LET_IN = { reasonCode: ReasonCode.success, isTrusted: true };

describe('a file of SCRAM users', () => {
  let directory: TestDirectory;
  let broker: TestBroker;
  before(async () => {
    directory = await TestDirectory.create();
    const scramFile = directory.write('scram', await lineOf('alice', 'pencil'));
    broker = await TestBroker.start({
      'authentication.scram_file': scramFile,
      'authentication.failure_delay_ms': 0,
      'authentication.max_failures': 0,
      'authentication.max_failures_per_address': 0,
    });
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it('decides who is let in', async () => {
    assert.deepEqual(await login(broker.port, 'alice', 'pencil'), LET_IN);
    assert.equal((await login(broker.port, 'alice', 'pen')).reasonCode, ReasonCode.notAuthorized);
    assert.equal((await login(broker.port, 'nobody', 'pencil')).reasonCode, ReasonCode.notAuthorized);
  });

  it('leaves strangers outside: authentication is configured', async () => {
    await using client = await RawClient.open(broker.port);
    client.sendConnect({ clientId: 'stranger' });
    assert.equal((await client.expect('connack')).reasonCode, ReasonCode.notAuthorized);
  });

  it('lets mqtt.js in by its handleAuth', async () => {
    const scram = new ScramClient('alice', 'pencil');
    const options: IClientOptions = {
      host: '127.0.0.1',
      port: broker.port,
      protocolVersion: 5,
      reconnectPeriod: 0,
      properties: { authenticationMethod: METHOD, authenticationData: scram.first },
    };
    const client = connect(options);
    client.handleAuth = ({ properties }, callback) => {
      const authenticationData = scram.final(properties!.authenticationData!);
      const answer = { authenticationMethod: METHOD, authenticationData };
      callback(undefined, { cmd: 'auth', reasonCode: ReasonCode.continueAuthentication, properties: answer });
    };
    const [{ properties }] = await once(client as unknown as EventEmitter, 'connect');
    assert.ok(scram.trusts(properties.authenticationData));
    await client.endAsync(true);
  });

  it('is read again on request, and when it changes; a broken one changes nothing', async () => {
    directory.write('scram', (await lineOf('alice', 'pencil')) + (await lineOf('bob', 'eraser')));
    await broker.reload();
    assert.deepEqual(await login(broker.port, 'bob', 'eraser'), LET_IN);
    directory.write('scram', 'bob:broken\n');
    await assert.rejects(broker.reload(), { code: 'malformed', message: /scram:1: no credential/ });
    assert.deepEqual(await login(broker.port, 'bob', 'eraser'), LET_IN);
    directory.write('scram', await lineOf('alice', 'other'));
    while ((await login(broker.port, 'alice', 'other')).reasonCode !== ReasonCode.success);
    assert.equal((await login(broker.port, 'bob', 'eraser')).reasonCode, ReasonCode.notAuthorized);
  });
});

it('a listener whose authentication does not name scram offers no such method', async () => {
  await using directory = await TestDirectory.create();
  const scramFile = directory.write('scram', await lineOf('alice', 'pencil'));
  const passwordFile = directory.write('passwords', '');
  const settings = { 'authentication.scram_file': scramFile, 'authentication.password_file': passwordFile };
  await using broker = await TestBroker.start(settings, '[[listeners]]\nport = 0\nauthentication = ["password"]\n');
  assert.equal((await login(broker.port, 'alice', 'pencil')).reasonCode, ReasonCode.badAuthenticationMethod);
});

it('a file that is none keeps the broker from starting, with its place', async () => {
  await using directory = await TestDirectory.create();
  const scramFile = directory.write('scram', '# users\nalice:hunter2\n');
  const broker = BrokerProcess.spawn({ directory, settings: { 'authentication.scram_file': scramFile } });
  const { code } = await broker.exited;
  assert.equal(code, 78);
  assert.match(broker.errors, /scram:2: no credential of SCRAM-SHA-256/);
  assert.doesNotMatch(broker.errors, /hunter2/);
});
