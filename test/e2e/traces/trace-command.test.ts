import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerProcess } from '../../support/broker-process.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TestDirectory } from '../../support/test-settings.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
/** As often as something new is to see; no test counts on it. */
const PUBLISH_EVERY_MS = 50;

interface Result {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

async function resultOf(child: ChildProcess): Promise<Result> {
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [output, errors] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { code: await closed, output, errors };
}

describe('robustmq trace, beside a running broker', () => {
  let directory: TestDirectory;
  let broker: BrokerProcess;
  let subscriber: RawClient;
  let publisher: RawClient;
  before(async () => {
    directory = await TestDirectory.create();
    broker = await BrokerProcess.start({ directory });
    subscriber = await RawClient.connect({ port: broker.port, clientId: 'kitchen' });
    publisher = await RawClient.connect({ port: broker.port, clientId: 'meter-7' });
    await subscriber.subscribe({ filter: 'sensor/#', qos: 1 });
  });
  after(async () => {
    await subscriber.drop();
    await publisher.drop();
    await broker[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  function trace(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
    const env = { PATH: process.env.PATH, ROBUSTMQ_ADMIN_URL: broker.adminUrl, ...environment };
    return spawn(process.execPath, [MAIN, 'trace', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async function publish(topic: string): Promise<void> {
    await Promise.all([publisher.publish(topic, '21.5', { qos: 1 }), subscriber.receive()]);
  }

  /** Names and branches; times differ from run to run. */
  const pictureOf = (output: string) => output.split('\n').map((line) => line.split(/ {2,}[+\d]/)[0]!.trimEnd());

  const PICTURE = [
    'mqtt/publish',
    '├─ auth/validate',
    '├─ topic/authorize',
    '├─ storage/persist',
    '│  ├─ metadata/query',
    '│  ├─ cluster/route',
    '│  ├─ journal/write',
    '│  │  ├─ segment/append',
    '│  │  ├─ storage/journal.write',
    '│  │  └─ index/update',
    '│  └─ journal/commit',
    '├─ subscription/match',
    '└─ client/push',
    '   └─ delivery/confirm',
    '      └─ mqtt/puback',
  ];

  it('tail prints each new trace as a tree, until its limit', async () => {
    const child = trace(['tail', '--topic', 'sensor/temperature', '--limit', '2']);
    const result = resultOf(child);
    while (child.exitCode === null) {
      await publish('sensor/temperature');
      await sleep(PUBLISH_EVERY_MS);
    }
    const { code, output, errors } = await result;
    assert.equal(code, 0, errors);
    const [first, second, ...others] = output.split('\n\n').filter((block) => block !== '');
    assert.equal(others.length, 0);
    for (const block of [first!, second!]) {
      const [heading, ...lines] = block.trimEnd().split('\n');
      assert.match(
        heading!,
        /^trace [0-9a-f]{32} {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}[\d.]+ ms {2}15 spans {2}robustmq-\{broker,journal,placement\}$/,
      );
      assert.deepEqual(pictureOf(lines.join('\n')), PICTURE);
      assert.match(lines[0]!, /ms {2}broker +client_id=meter-7 topic=sensor\/temperature qos=1 retain=false/);
      assert.match(lines.find((line) => line.includes('client/push'))!, /client_id=kitchen/);
    }
    assert.notEqual(first!.slice(0, 38), second!.slice(0, 38));
  });

  it('find prints what matches, show prints one, as a tree within the columns or as JSON', async () => {
    await publish('sensor/found');
    const json = await resultOf(trace(['find', '--client', 'kitchen', '--topic', 'sensor/found', '--json']));
    const document = JSON.parse(json.output);
    assert.equal(document.rootName, 'mqtt/publish');
    const shown = await resultOf(trace(['show', document.traceId], { COLUMNS: '100' }));
    assert.equal(shown.code, 0, shown.errors);
    const lines = shown.output.trimEnd().split('\n');
    assert.ok(lines.slice(1).every((line) => line.length <= 100));
    assert.ok(lines.length > PICTURE.length + 1);
    assert.match(shown.output, /qos=1/);
    const found = await resultOf(trace(['find', '--topic', 'sensor/found', '--since', '1h']));
    assert.deepEqual(pictureOf(found.output).slice(1, PICTURE.length + 1), PICTURE);
  });

  it('says in a sentence what it cannot do', async () => {
    const unknown = await resultOf(trace(['show', '0'.repeat(32)]));
    assert.equal(unknown.code, 1);
    assert.match(unknown.errors, /no such trace; only the newest are kept/);
    const none = await resultOf(trace(['find', '--client', 'nobody']));
    assert.deepEqual([none.code, none.output], [0, 'No trace matches.\n']);
  });
});
