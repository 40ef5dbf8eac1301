import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { TestDirectory } from '../support/test-settings.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const ELSEWHERE = 'mq2.example.com:1883';

let directory: TestDirectory;
let broker: BrokerProcess;
before(async () => {
  directory = await TestDirectory.create();
  broker = await BrokerProcess.start({ directory });
});
after(async () => {
  await broker[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});
// The last test leaves nobody to answer.
afterEach(() => stop().catch(() => undefined));

/** `robustmq drain`, as a user calls it. */
function drain(...parameters: string[]): Promise<{ code: number; output: string }> {
  const call = [MAIN, 'drain', '--url', broker.adminUrl, ...parameters];
  return new Promise((resolve) => {
    execFile(process.execPath, call, (error, output) => {
      resolve({ code: error === null ? 0 : Number(error.code), output });
    });
  });
}

/** What the command does, without starting a program for it. */
const begin = (options: object) =>
  fetch(`${broker.adminUrl}/api/v1/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(options),
  });
const stop = () => fetch(`${broker.adminUrl}/api/v1/drain`, { method: 'DELETE' });
const isReady = async (): Promise<boolean> => (await fetch(`${broker.adminUrl}/readyz`)).ok;
const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: {} };

describe('robustmq drain', () => {
  it('sends every client elsewhere, the old ones without words, and its sessions stay', async () => {
    const persistent = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 1000 } };
    await using client = await RawClient.connect({ port: broker.port, ...persistent });
    await using old = await RawClient.connect({ port: broker.port, protocolVersion: 4, clientId: 'old' });
    const { code, output } = await drain('--server-reference', ELSEWHERE, '--rate', '1000/s');
    assert.equal(code, 0);
    assert.match(output, /^(Draining|Drained) to mq2\.example\.com:1883/);
    const { reasonCode, properties } = await client.expect('disconnect');
    assert.equal(reasonCode, ReasonCode.useAnotherServer);
    assert.equal(properties.serverReference, ELSEWHERE);
    await client.expectClose();
    await old.expectClose();
    assert.equal((await drain('--status')).output, `Drained to ${ELSEWHERE}: no client is connected.\n`);
    assert.equal(await isReady(), false);

    assert.equal((await drain('--stop')).output, 'Not draining: clients are taken.\n');
    assert.equal(await isReady(), true);
    await using back = await RawClient.connect({ port: broker.port, ...persistent });
    assert.equal(back.connack.sessionPresent, true);
  });

  it('tells whoever connects to use another server', async () => {
    await begin({ serverReference: ELSEWHERE });
    await using client = await RawClient.open(broker.port);
    client.sendConnect({ clientId: 'c' });
    const { reasonCode, properties } = await client.expect('connack');
    assert.equal(reasonCode, ReasonCode.useAnotherServer);
    assert.equal(properties.serverReference, ELSEWHERE);
    await client.expectClose();
    await using old = await RawClient.open(broker.port, 4);
    old.sendConnect({ clientId: 'old' });
    assert.equal((await old.expect('connack')).reasonCode, ReasonCode.serverUnavailable);
    await old.expectClose();
  });

  it('sends so many clients away a second, and can name no other server', async () => {
    await using first = await RawClient.connect({ port: broker.port, clientId: 'first' });
    await using second = await RawClient.connect({ port: broker.port, clientId: 'second' });
    assert.match((await drain('--rate', '2/s')).output, /^Draining at 2 clients a second: [12] still connected\.\n$/);
    const { properties } = await first.expect('disconnect');
    assert.equal(properties.serverReference, undefined);
    await second.expectNothing();
    await second.expectDisconnect(ReasonCode.useAnotherServer);
  });

  it('publishes wills, as for every connection that a server closes [MQTT-3.1.2-8]', async () => {
    const persistent = { clientId: 'heir', cleanStart: false, properties: { sessionExpiryInterval: 1000 } };
    await using heir = await RawClient.connect({ port: broker.port, ...persistent });
    await heir.subscribe('will');
    await using client = await RawClient.connect({ port: broker.port, clientId: 'c', will });
    await begin({ ratePerSecond: 1000 });
    await client.ended();
    await heir.ended();
    await stop();
    await using back = await RawClient.connect({ port: broker.port, ...persistent });
    assert.equal((await back.receive()).topic, 'will');
  });

  it('lets the broker end as ever', async () => {
    await begin({});
    assert.deepEqual(await broker.kill('SIGTERM'), { code: 0, signal: null });
  });
});
